import { printable } from '../core/printable.ts';
import { formatBytes } from '../core/size.ts';
import type { IgnoredPlace } from '../git/ignored.ts';

/** What a removal after this look deletes without storing it: a file, or what of a folder (`node_modules/`) is not in the snapshot. */
export type NotStored = IgnoredPlace;

const NAMED = 10;

/** `node_modules/ (more than 1.2 GiB), .env.local (2 KiB), and 3 more`. */
export function describeNotStored(places: readonly NotStored[]): string {
  const names = places.slice(0, NAMED).map(({ path, bytes, complete }) => {
    return `${printable(path)} (${complete ? '' : 'more than '}${formatBytes(bytes)})`;
  });
  const more = places.length - names.length;
  return names.join(', ') + (more > 0 ? `, and ${String(more)} more` : '');
}

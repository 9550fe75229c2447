import { printable } from '../core/printable.ts';
import { formatBytes } from '../core/size.ts';
import type { Look } from '../git/look.ts';

/** Ignored files that go with a worktree and are not in its snapshot: a file, or what of a folder (`node_modules/`) is not. */
export interface NotStored {
  readonly path: string;
  /** At least so many, where `complete` is false: a huge folder is not measured to its end. */
  readonly bytes: number;
  readonly files: number;
  readonly complete: boolean;
}

/** What a removal after this look deletes without storing it. */
export function notStoredBy(
  look: Look & { readonly ignoredNotStored?: readonly NotStored[] },
): readonly NotStored[] {
  return look.ignoredNotStored ?? [];
}

const NAMED = 10;

/** `node_modules/ (more than 1.2 GiB), .env.local (2 KiB), and 3 more`. */
export function describeNotStored(places: readonly NotStored[]): string {
  const names = places.slice(0, NAMED).map(({ path, bytes, complete }) => {
    return `${printable(path)} (${complete ? '' : 'more than '}${formatBytes(bytes)})`;
  });
  const more = places.length - names.length;
  return names.join(', ') + (more > 0 ? `, and ${String(more)} more` : '');
}

import fs from 'node:fs';
import { isAtOrBelow } from '../core/place.ts';
import { realPathOf } from './files.ts';

/**
 * A mount point at or below the folder, by the kernel's own list: a bind mount of the same file system, which no device number
 * tells, among them. Undefined on macOS, where there is no such list; deleting stops at another device there.
 */
export function findMount(folder: string): string | undefined {
  let listing: string;
  try {
    listing = fs.readFileSync('/proc/self/mountinfo', 'latin1');
  } catch {
    return undefined;
  }
  const real = realPathOf(folder);
  for (const line of listing.split('\n')) {
    const written = line.split(' ')[4];
    if (written === undefined) continue;
    const bytes = written.replaceAll(/\\([0-7]{3})/g, (_all, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const place = Buffer.from(bytes, 'latin1').toString('utf8');
    if (isAtOrBelow(place, real)) return place;
  }
  return undefined;
}

import fs from 'node:fs';
import path from 'node:path';
import { ignoring } from '../errors.ts';
import { realPathOf } from '../process/files.ts';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const CHUNK = 1024 * 1024;

/**
 * Copies a file of the host's git directory, if it is a plain one: of an older kind of instance programs inside could write there, and
 * a link, to it or to a folder above, could name any file of the host's, a FIFO never end. Whether it was copied.
 * @param from below a real path
 * @param most bytes beyond which it is left out
 */
export function copyPlainFile(from: string, to: string, most: number): boolean {
  if (realPathOf(path.dirname(from)) !== path.dirname(from)) return false;
  const fd = ignoring(
    ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EACCES'],
    () => fs.openSync(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
    undefined,
  );
  if (fd === undefined) return false;
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile() || stat.size > most) return false;
    fs.mkdirSync(path.dirname(to), { recursive: true, mode: 0o700 });
    const out = fs.openSync(to, 'wx', 0o600 | (stat.mode & 0o100));
    try {
      const buffer = Buffer.allocUnsafe(CHUNK);
      for (let left = stat.size; left > 0;) {
        const read = fs.readSync(fd, buffer, 0, Math.min(CHUNK, left), null);
        if (read === 0) break;
        fs.writeSync(out, buffer, 0, read);
        left -= read;
      }
    } finally {
      fs.closeSync(out);
    }
    return true;
  } finally {
    fs.closeSync(fd);
  }
}

/** Copies the plain files of a folder and of those in it. A link in the place of the folder itself is no folder. */
export function copyPlainFolder(from: string, to: string, most: number): void {
  const stat = fs.lstatSync(from, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return;
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) copyPlainFolder(source, target, most);
    else copyPlainFile(source, target, most);
  }
}

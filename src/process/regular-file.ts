import fs from 'node:fs';
import { HeadjackError, errnoOf, ignoring } from '../errors.ts';

export interface ReadRules {
  /** Whether a link in the file's place is followed: where the folder is ours or the user named the file. Its folders always are. */
  readonly follow?: boolean;
  /** Bytes; a file that is larger is not what it is taken for. */
  readonly most?: number;
}

/** Larger than any file that hjk reads whole, but for a catalog. */
const MOST = 16 * 1024 ** 2;
const CHUNK = 64 * 1024;
const { O_RDONLY, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW } = fs.constants;

/**
 * Opens a file for reading if it is a regular one. A FIFO would keep us waiting for ever, TERM or not, and a device may give bytes
 * without end or do things when it is opened.
 * @throws HeadjackError file_failed for anything else; Node's own errors where it cannot be opened
 */
export function openRegular(file: string | Buffer, { follow = true }: ReadRules = {}): number {
  const look = follow ? fs.statSync : fs.lstatSync;
  requireRegular(file, look(file));
  const fd = fs.openSync(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | (follow ? 0 : O_NOFOLLOW));
  try {
    requireRegular(file, fs.fstatSync(fd)); // it may have been replaced
    return fd;
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

function requireRegular(file: string | Buffer, stat: fs.Stats): void {
  if (stat.isFile()) return;
  throw new HeadjackError('file_failed', `${file.toString()} is not a regular file`, {
    hint: `look at it: ls -ld ${file.toString()}`,
  });
}

/** The whole of a regular file. @throws as `openRegular`; HeadjackError file_failed for one that is too large */
export function readRegular(file: string | Buffer, rules: ReadRules = {}): Buffer {
  const { most = MOST } = rules;
  const fd = openRegular(file, rules);
  try {
    const chunks: Buffer[] = [];
    for (let size = 0; ;) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK * 2 ** Math.min(chunks.length, 6), most + 1 - size));
      const count = fs.readSync(fd, chunk);
      if (count === 0) return chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, count));
      size += count;
      if (size > most)
        throw new HeadjackError(
          'file_failed',
          `${file.toString()} is larger than ${String(most >> 20)} MiB`,
          {
            hint: `look at it: ls -ld ${file.toString()}`,
          },
        );
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** The text of a file, or undefined where there is none. @throws as `readRegular` */
export function readIfThere(file: string, rules: ReadRules = {}): string | undefined {
  return ignoring(['ENOENT', 'ENOTDIR'], () => readRegular(file, rules).toString('utf8'), undefined);
}

/**
 * The text of a file that something inside a container may have written: undefined where there is no regular file of a size that
 * makes sense; by default also where there is a link.
 */
export function readUntrusted(file: string, rules: ReadRules = {}): string | undefined {
  try {
    return readRegular(file, { follow: false, ...rules }).toString('utf8');
  } catch (error) {
    if (error instanceof HeadjackError || errnoOf(error) !== undefined) return undefined;
    throw error;
  }
}

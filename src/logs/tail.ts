import fs from 'node:fs';
import { openRegular } from '../process/regular-file.ts';

const BLOCK = 64 * 1024;
const LF = 10;

export interface TailLimits {
  /** LF lines wanted. */
  readonly lines: number;
  /** Bytes at most: lines of megabytes must not make "the last 100" a matter of minutes. */
  readonly maxBytes: number;
}

/** A part of a log file, as offsets. */
export interface LogRange {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

export interface Tail {
  readonly ranges: readonly LogRange[];
  /** Whether `maxBytes` cut it before `lines` were found. */
  readonly cut: boolean;
}

/**
 * Finds where the last lines begin, reading backwards from the end in blocks. `files` are the parts of one log, oldest first;
 * missing ones are passed over.
 */
export function findTail(files: readonly string[], limits: TailLimits): Tail {
  const ranges: LogRange[] = [];
  let wanted = limits.lines;
  let budget = limits.maxBytes;
  for (const file of [...files].reverse()) {
    let fd: number;
    try {
      fd = openRegular(file);
    } catch {
      continue;
    }
    try {
      const size = fs.fstatSync(fd).size;
      const newest = ranges.length === 0;
      const found = scanBackwards(fd, size, { wanted, budget, newest });
      ranges.unshift({ file, start: found.start, end: size });
      if (found.start > 0 || found.left <= 0) return { ranges, cut: found.cut };
      wanted = found.left;
      budget -= size;
    } finally {
      fs.closeSync(fd);
    }
  }
  return { ranges, cut: false };
}

/** Offset after the LF before the first wanted line, or 0; `left` lines are still missing then. */
function scanBackwards(
  fd: number,
  size: number,
  want: { wanted: number; budget: number; newest: boolean },
): { start: number; left: number; cut: boolean } {
  if (want.wanted <= 0) return { start: size, left: 0, cut: false };
  const block = Buffer.allocUnsafe(BLOCK);
  // the LF that ends the last line of the newest part begins no further one
  let left = want.wanted + (want.newest && endsWithLf(fd, size) ? 1 : 0);
  for (let end = size; end > 0;) {
    const begin = Math.max(0, end - BLOCK);
    const count = fs.readSync(fd, block, 0, end - begin, begin);
    for (
      let at = block.lastIndexOf(LF, count - 1);
      at >= 0;
      at = at === 0 ? -1 : block.lastIndexOf(LF, at - 1)
    ) {
      if (--left === 0) return { start: begin + at + 1, left: 0, cut: false };
    }
    if (size - begin >= want.budget)
      return { start: Math.max(begin, size - want.budget), left: 0, cut: begin > 0 };
    end = begin;
  }
  return { start: 0, left, cut: false };
}

function endsWithLf(fd: number, size: number): boolean {
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  fs.readSync(fd, last, 0, 1, size - 1);
  return last[0] === LF;
}

/** Gives a range block by block. Stops early where the file has been cut short meanwhile. */
export function* readRange(range: LogRange): Generator<Buffer> {
  const fd = openRegular(range.file);
  try {
    for (let at = range.start; at < range.end;) {
      const block = Buffer.allocUnsafe(Math.min(BLOCK, range.end - at));
      const count = fs.readSync(fd, block, 0, block.length, at);
      if (count === 0) return;
      at += count;
      yield block.subarray(0, count);
    }
  } finally {
    fs.closeSync(fd);
  }
}

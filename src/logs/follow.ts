import fs from 'node:fs';
import path from 'node:path';
import { openRegular } from '../process/regular-file.ts';

const BLOCK = 64 * 1024;
/** A safety net behind the watches; without them (inotify exhausted) the only clock. */
const CHECK_MS = 1000;
const POLL_MS = 100;

export interface FollowOptions {
  readonly file: string;
  /** Where to begin in it. */
  readonly start: number;
  /** Folders besides the log's own whose changes may mean the end. */
  readonly watch: readonly string[];
  /** Whether nothing more will be written. */
  readonly ended: () => boolean | Promise<boolean>;
  readonly onBytes: (bytes: Buffer) => void | Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gives what is appended to a log, across truncation and rotation, until its session has ended and every byte was given, or
 * the log is removed, or `signal` says so.
 */
export async function followLog(options: FollowOptions): Promise<void> {
  const bell = createBell([path.dirname(options.file), ...options.watch]);
  const stop = (): void => {
    bell.ring();
  };
  options.signal?.addEventListener('abort', stop);
  let fd: number | undefined;
  let offset = options.start;
  try {
    for (;;) {
      bell.reset();
      // asked before reading: what was written before the end is read after it
      const ended = (await options.ended()) || options.signal?.aborted === true;
      fd ??= open(options.file);
      if (fd !== undefined) {
        offset = await drain(fd, offset, options.onBytes);
        const next = rotated(fd, options.file);
        if (next !== undefined) {
          await drain(fd, offset, options.onBytes);
          fs.closeSync(fd);
          fd = undefined;
          offset = 0;
          if (next === 'gone') return;
          continue;
        }
      }
      if (ended) return;
      await bell.wait();
    }
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
    bell.close();
    options.signal?.removeEventListener('abort', stop);
  }
}

function open(file: string): number | undefined {
  try {
    return openRegular(file);
  } catch {
    return undefined;
  }
}

async function drain(fd: number, from: number, onBytes: FollowOptions['onBytes']): Promise<number> {
  let offset = fs.fstatSync(fd).size < from ? 0 : from; // truncated: begin again
  for (;;) {
    const block = Buffer.allocUnsafe(BLOCK);
    const count = fs.readSync(fd, block, 0, BLOCK, offset);
    if (count === 0) return offset;
    offset += count;
    await onBytes(block.subarray(0, count));
  }
}

/** Whether the name now stands for another file, or for none. */
function rotated(fd: number, file: string): 'new' | 'gone' | undefined {
  try {
    return fs.statSync(file).ino === fs.fstatSync(fd).ino ? undefined : 'new';
  } catch {
    return 'gone';
  }
}

interface Bell {
  ring(): void;
  reset(): void;
  wait(): Promise<void>;
  close(): void;
}

/** Rings when something changes in one of the folders. */
function createBell(folders: readonly string[]): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  const ring = (): void => {
    rung = true;
    wake?.();
  };
  let watching = true;
  const watchers = folders.flatMap(folder => {
    try {
      const watcher = fs.watch(folder, ring);
      watcher.on('error', ring);
      return [watcher];
    } catch {
      watching = false;
      return [];
    }
  });
  return {
    ring,
    reset() {
      rung = false;
    },
    async wait() {
      if (rung) return;
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, watching ? CHECK_MS : POLL_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      wake = undefined;
    },
    close() {
      for (const watcher of watchers) watcher.close();
    },
  };
}

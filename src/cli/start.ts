import { fstatSync, writeSync } from 'node:fs';
import { HeadjackError, errnoOf } from '../errors.ts';
import type { Io } from './io.ts';
import { main } from './main.ts';

/** How long a command may take to put things in order once it is to end. */
const TERM_MS = 10_000;

const descriptors = { stdin: 0, stdout: 1, stderr: 2 } as const;

/** Runs the command line of this process and ends it: streams, signals and the exit code are handled here and nowhere else. */
export async function start(argv: readonly string[]): Promise<never> {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
      // what does not end by itself then is left as a kill would leave it: the next command finishes it
      if (signal !== 'SIGINT') setTimeout(() => process.exit(143), TERM_MS).unref();
      const code = signal === 'SIGINT' ? 'interrupted' : 'terminated';
      controller.abort(new HeadjackError(code, code));
    });
  }
  const io: Io = {
    env: process.env,
    get cwd() {
      return workingDirectory();
    },
    write: text => {
      writeAll(typeof text === 'string' ? Buffer.from(text) : text);
    },
    isTerminal,
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return endingQuietly(process.stdout);
    },
    get stderr() {
      return endingQuietly(process.stderr);
    },
    signal: controller.signal,
  };
  process.exit(await main(argv, io, async options => (await import('../headjack.ts')).openHeadjack(options)));
}

/** @throws HeadjackError path_invalid where it is gone */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new HeadjackError(
      'path_invalid',
      `the current directory is gone (${errnoOf(error) ?? 'unknown'})`,
      {
        hint: 'cd to one that is there',
        cause: error,
      },
    );
  }
}

/** Loading node:tty takes longer than to see that a descriptor is no device. */
function isTerminal(stream: keyof typeof descriptors): boolean {
  try {
    if (!fstatSync(descriptors[stream]).isCharacterDevice()) return false;
  } catch {
    return false; // closed
  }
  return process.getBuiltinModule('node:tty').isatty(descriptors[stream]);
}

/** A reader that goes away (`hjk ps | head -1`) is no error. */
function endingQuietly<T extends NodeJS.WriteStream>(stream: T): T {
  if (stream.listenerCount('error') > 0) return stream;
  return stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

const nap = new Int32Array(new SharedArrayBuffer(4));

function writeAll(bytes: Buffer): void {
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(1, bytes, done);
    } catch (error) {
      if (errnoOf(error) === 'EPIPE') process.exit(0);
      if (errnoOf(error) !== 'EAGAIN') throw error;
      Atomics.wait(nap, 0, 0, 1); // somebody else's non-blocking pipe is full
    }
  }
}

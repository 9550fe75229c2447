import { childProcess } from './child-process.ts';
import type { SpawnOptions } from 'node:child_process';

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment of the child; nothing of ours is added. */
  readonly env: NodeJS.ProcessEnv;
  /** Chunks are written as the child takes them. */
  readonly input?: string | Buffer | AsyncIterable<Buffer> | Iterable<Buffer>;
  /** An open file that gets the output, in place of `stdout` of the result. */
  readonly stdoutFd?: number;
  /** Ends the child with TERM after so many ms. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  /** Exit code; 128 + signal number is not made up: a signalled child has code null. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a program to its end with its output captured. Rejects only where it cannot be started (`ENOENT`, …). */
export function runCaptured(
  program: string,
  args: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = childProcess().spawn(program, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: options.env,
      stdio: ['pipe', options.stdoutFd ?? 'pipe', 'pipe'],
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin?.on('error', () => undefined); // a child that does not read its input is no failure of ours
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({
        code,
        signal,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString('utf8'),
      });
    });
    const { input = '' } = options;
    if (typeof input === 'string' || Buffer.isBuffer(input)) child.stdin?.end(input);
    else if (child.stdin !== null) {
      const source = process.getBuiltinModule('node:stream').Readable.from(input);
      source.on('error', error => {
        child.kill(); // what it has is not the whole input
        reject(error);
      });
      source.pipe(child.stdin);
    }
  });
}

/** Runs a program on our own terminal. Resolves with its exit code, or 128 + signal as shells report it. */
export function runAttached(
  program: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = childProcess().spawn(program, args, { ...options, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve(code ?? (signal === 'SIGINT' ? 130 : signal === 'SIGHUP' ? 129 : 143));
    });
  });
}

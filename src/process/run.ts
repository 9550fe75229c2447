import { childProcess } from './child-process.ts';
import { requireProgram, withAbsolutePath } from './programs.ts';
import type { ChildProcess, SpawnOptions } from 'node:child_process';

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment of the child but for relative entries of its PATH; nothing of ours is added. */
  readonly env: NodeJS.ProcessEnv;
  /** Chunks are written as the child takes them. */
  readonly input?: string | Buffer | AsyncIterable<Buffer> | Iterable<Buffer>;
  /** An open file that gets the output, in place of `stdout` of the result. */
  readonly stdoutFd?: number;
  /** Ends the child with TERM after so many ms, with KILL if that does not help. */
  readonly timeoutMs?: number;
  /** Ends the child when it has written more bytes than these to stdout. */
  readonly maxOutput?: number;
}

export interface RunResult {
  /** Exit code; 128 + signal number is not made up: a signalled child has code null. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Which limit the child was ended for. */
  readonly exceeded?: 'time' | 'output';
}

const MOST_OUTPUT = 256 * 1024 ** 2;
/** Of stderr the end is kept: what failed is said last. */
const MOST_STDERR = 256 * 1024;
const KILL_AFTER_MS = 2000;

/**
 * Runs a program, by its absolute path, to its end with its output captured. Rejects only where it cannot be started
 * (ProgramMissing, …).
 */
export async function runCaptured(
  program: string,
  args: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  const file = requireProgram(program, options.env);
  return new Promise((resolve, reject) => {
    const child = childProcess().spawn(file, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: withAbsolutePath(options.env),
      stdio: ['pipe', options.stdoutFd ?? 'pipe', 'pipe'],
    });
    const limits = watchLimits(child, options);
    let stderr = Buffer.alloc(0);
    (child.stderr as ChildProcess['stderr'] | undefined)?.on('data', (chunk: Buffer) => {
      stderr = Buffer.concat([stderr, chunk]).subarray(-MOST_STDERR);
    });
    child.on('error', error => {
      limits.stop();
      reject(error);
    });
    child.on('close', (code, signal) => {
      const exceeded = limits.stop();
      resolve({
        code,
        signal,
        stdout: limits.stdout(),
        stderr: stderr.toString('utf8'),
        ...(exceeded === undefined ? {} : { exceeded }),
      });
    });
    feed(child, options.input ?? '', reject);
  });
}

/** Collects what the child writes, and ends it where it takes too long or writes too much. */
function watchLimits(
  child: ChildProcess,
  { timeoutMs, maxOutput = MOST_OUTPUT }: RunOptions,
): { stdout: () => Buffer; stop: () => RunResult['exceeded'] } {
  const chunks: Buffer[] = [];
  let size = 0;
  let exceeded: RunResult['exceeded'];
  let killer: NodeJS.Timeout | undefined;
  const end = (why: 'time' | 'output'): void => {
    if (exceeded !== undefined) return;
    exceeded = why;
    child.kill();
    killer = setTimeout(() => {
      child.kill('SIGKILL');
      // what it started itself may hold the streams open
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, KILL_AFTER_MS);
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(end, timeoutMs, 'time');
  (child.stdout as ChildProcess['stdout'] | undefined)?.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxOutput) end('output');
    else chunks.push(chunk);
  });
  return {
    stdout: () => Buffer.concat(chunks),
    stop() {
      clearTimeout(timer);
      clearTimeout(killer);
      return exceeded;
    },
  };
}

function feed(
  child: ChildProcess,
  input: NonNullable<RunOptions['input']>,
  fail: (error: unknown) => void,
): void {
  // none of the streams is there where too many files are open; the error follows
  const stdin = child.stdin as ChildProcess['stdin'] | undefined;
  if (stdin === null || stdin === undefined) return;
  stdin.on('error', () => undefined); // a child that does not read its input is no failure of ours
  if (typeof input === 'string' || Buffer.isBuffer(input)) {
    stdin.end(input);
    return;
  }
  const source = process.getBuiltinModule('node:stream').Readable.from(input);
  source.on('error', error => {
    child.kill(); // what it has is not the whole input
    fail(error);
  });
  source.pipe(stdin);
}

/** Runs a program on our own terminal. Resolves with its exit code, or 128 + signal as shells report it. */
export async function runAttached(
  program: string,
  args: readonly string[],
  options: SpawnOptions & { readonly env: NodeJS.ProcessEnv },
): Promise<number> {
  const file = requireProgram(program, options.env);
  return new Promise((resolve, reject) => {
    const child = childProcess().spawn(file, args, {
      ...options,
      env: withAbsolutePath(options.env),
      stdio: 'inherit',
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve(code ?? (signal === 'SIGINT' ? 130 : signal === 'SIGHUP' ? 129 : 143));
    });
  });
}

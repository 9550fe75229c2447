import { spawn } from 'node:child_process';

export interface Limited {
  readonly command: string;
  readonly code: number;
  readonly output: string;
  /** Why it was ended from outside; undefined where it ended by itself. */
  readonly hung: 'ended by TERM' | 'TERM did nothing' | undefined;
}

interface Limits {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly limitMs: number;
  /** Address space. */
  readonly memoryKb: number;
  /** Who it runs as; only root may say so. */
  readonly as?: { readonly uid: number; readonly groups: readonly number[] };
}

const outputLimit = 32 * 1024 ** 2;

/** Runs a program with a bound on time and memory. Never fails: what came of it is the answer. */
export function runLimited(argv: readonly string[], limits: Limits): Promise<Limited> {
  const { as } = limits;
  const who =
    as === undefined
      ? []
      : [
          'setpriv',
          '--reuid',
          String(as.uid),
          '--regid',
          String(as.uid),
          '--groups',
          [as.uid, ...as.groups].join(','),
        ];
  const bounded = ['-c', `ulimit -v ${String(limits.memoryKb)}; exec "$@"`, 'limited', ...who, ...argv];
  const child = spawn('bash', bounded, { cwd: limits.cwd, env: limits.env, detached: true, stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', chunk => {
      if (output.length < outputLimit) output += String(chunk);
    });
  child.stdin.on('error', () => undefined); // a program need not read its input
  child.stdin.end(limits.input ?? '');
  let hung: Limited['hung'];
  const signal = (name: 'SIGTERM' | 'SIGKILL'): void => {
    try {
      process.kill(-child.pid!, name);
    } catch {
      // it ended meanwhile
    }
  };
  let last: NodeJS.Timeout | undefined;
  const limit = setTimeout(() => {
    hung = 'ended by TERM';
    signal('SIGTERM');
    last = setTimeout(() => {
      hung = 'TERM did nothing';
      signal('SIGKILL');
    }, 3000);
  }, limits.limitMs);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, by) => {
      clearTimeout(limit);
      clearTimeout(last);
      const done = (): void => {
        resolve({
          command: argv.map(word => word.split('/').at(-1) ?? '').join(' '),
          code: code ?? (by === 'SIGKILL' ? 137 : 143),
          output,
          hung,
        });
      };
      // somebody it left running may hold its streams open
      const late = setTimeout(done, 2000);
      child.once('close', () => {
        clearTimeout(late);
        done();
      });
    });
  });
}

import { HeadjackError } from '../errors.ts';
import type { Io } from './io.ts';
import { main } from './main.ts';

/** Runs the command line of this process and ends it: streams, signals and the exit code are handled here and nowhere else. */
export async function start(argv: readonly string[]): Promise<never> {
  const { stdout, stderr } = process;
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0); // `hjk ps | head -1`
      throw error;
    });
  }
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
      const code = signal === 'SIGINT' ? 'interrupted' : 'terminated';
      controller.abort(new HeadjackError(code, code));
    });
  }
  const io: Io = {
    env: process.env,
    cwd: process.cwd(),
    // opened by who reads it: it costs as much as all of `--version`
    get stdin() {
      return process.stdin;
    },
    stdout,
    stderr,
    signal: controller.signal,
  };
  process.exit(await main(argv, io, async options => (await import('../headjack.ts')).openHeadjack(options)));
}

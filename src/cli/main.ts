import { CommanderError } from 'commander';
import { explainSystemError, HeadjackError } from '../errors.ts';
import type { Services } from '../operations/services.ts';
import { prepareArgv } from './argv.ts';
import type { CommandContext, Handler, OpenHeadjack } from './context.ts';
import type { Io } from './io.ts';
import { createOutput, type Output } from './output.ts';
import { buildProgram } from './program.ts';
import { createProgress } from './progress.ts';

type AnyHandler = Handler<Record<string, unknown>>;

/** One chunk a command: `hjk ps` reads nothing of `hjk run`. */
const handlers: Readonly<Record<string, () => Promise<AnyHandler>>> = {
  run: async () => (await import('./commands/run.ts')).run,
  exec: async () => (await import('./commands/exec.ts')).exec,
  agent: async () => (await import('./commands/agent.ts')).agent,
  attach: async () => (await import('./commands/attach.ts')).attach,
  ps: async () => (await import('./commands/ps.ts')).ps,
  logs: async () => (await import('./commands/logs.ts')).logs as Handler<never> as AnyHandler,
  stop: async () => (await import('./commands/stop.ts')).stop,
  kill: async () => (await import('./commands/kill.ts')).kill,
  rm: async () => (await import('./commands/rm.ts')).rm,
  start: async () => (await import('./commands/start.ts')).start,
  recreate: async () => (await import('./commands/recreate.ts')).recreate,
  rename: async () => (await import('./commands/rename.ts')).rename,
  sync: async () => (await import('./commands/sync.ts')).sync,
  restore: async () => (await import('./commands/restore.ts')).restore,
  prune: async () => (await import('./commands/prune.ts')).prune as Handler<never> as AnyHandler,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  image: async () => (await import('./commands/image.ts')).image as Handler<never> as AnyHandler,
  trust: async () => (await import('./commands/trust.ts')).trust,
  devcontainer: async () => (await import('./commands/devcontainer.ts')).devcontainer,
  config: async () => (await import('./commands/config.ts')).config,
  paths: async () => (await import('./commands/paths.ts')).paths,
  version: async () => (await import('./commands/version.ts')).version,
  completion: async () => (await import('./commands/completion.ts')).completion,
};

/**
 * Runs one command line. Gives the exit code; writes to `io` only.
 * @param open makes headjack: handed in, so that tests can look at the options alone
 */
export async function main(argv: readonly string[], io: Io, open: OpenHeadjack): Promise<number> {
  let code = 0;
  const beforeDashes = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : argv.length);
  let output: Output = createOutput(io, { json: beforeDashes.includes('--json'), verbose: false });
  let plainExec = false;
  try {
    const prepared = prepareArgv(argv);
    plainExec = prepared.argv.slice(0, prepared.argv.indexOf('--')).includes('--no-mux');
    const program = buildProgram(
      name => async (words, options) => {
        const globals = program.opts<{ verbose: number; C?: string; config?: string; catalog?: string }>();
        const verbose = globals.verbose > 0;
        const json = options['json'] === true;
        output = createOutput(io, { json, verbose });
        const context: CommandContext = {
          io,
          output,
          json,
          trailing: prepared.trailing,
          async open(verb) {
            const headjack = await open({
              cwd: io.cwd,
              env: io.env,
              verb,
              flags: { directory: globals.C, config: globals.config, catalog: globals.catalog },
              terminal: terminalOf(io),
              progress: createProgress(io, verbose),
              signal: io.signal,
            });
            for (const key of headjack.unknownKeys) output.note(`Warning: ${key} is no configuration key`);
            return headjack;
          },
        };
        const handler = await handlers[name]?.();
        code = (await handler?.(context, words, options)) ?? 0;
      },
      name => prepared.argv.includes(name),
    );
    program.exitOverride().configureOutput({
      writeOut: io.write,
      writeErr: () => undefined,
      getOutHelpWidth: () => (io.isTerminal('stdout') ? (io.stdout.columns ?? 100) : 100),
      getOutHasColors: () => false,
    });
    for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
    await program.parseAsync([...prepared.argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const known = error instanceof CommanderError ? usageError(error) : explainSystemError(error);
    output.error(known);
    const exit = known instanceof HeadjackError ? known.exitCode : 1;
    return plainExec && exit < 128 ? 125 : exit;
  }
}

function terminalOf(io: Io): Services['terminal'] {
  return {
    get stdin() {
      return io.isTerminal('stdin');
    },
    get stdout() {
      return io.isTerminal('stdout');
    },
    get stderr() {
      return io.isTerminal('stderr');
    },
    size: () => ({ columns: io.stdout.columns ?? 120, rows: io.stdout.rows ?? 40 }),
  };
}

/** commander's usage errors in our words: one line, and the nearest match as the hint. */
function usageError(error: CommanderError): HeadjackError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const nearest = /Did you mean (?:one of )?(.+)\?/.exec(rest.join(' '))?.[1];
  return new HeadjackError('usage', first, {
    hint: nearest === undefined ? 'hjk help' : `did you mean ${nearest}?`,
    cause: error,
  });
}

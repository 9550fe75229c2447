import { HeadjackError, errnoOf } from '../errors.ts';
import { printable } from '../core/printable.ts';
import { runCaptured, type RunResult } from '../process/run.ts';
import { defusedSettings, DRIVERS, filterOverrides, gitEnvironment } from './environment.ts';
import { parseScopedConfig } from './scoped-config.ts';

/**
 * Runs git for what simple-git cannot do: input on stdin, an index of one's own, names that are no UTF-8. Every call is
 * defused, with `--git-dir` and `--work-tree` where a worktree is meant.
 */
export interface Plumbing {
  /** Output as latin1 text: one char a byte, so that any file name survives. @throws git_failed on a non-zero exit */
  text(args: readonly string[], options?: PlumbingOptions): Promise<string>;
  /** The same as bytes. */
  bytes(args: readonly string[], options?: PlumbingOptions): Promise<Buffer>;
  /** The result whatever its exit code. */
  try(args: readonly string[], options?: PlumbingOptions): Promise<RunResult>;
}

/** What git writes under these is on the disk when it returns: by default it is so for packs only. */
export const durable: readonly string[] = ['-c', 'core.fsync=all'];

interface PlumbingOptions {
  /** Bytes as latin1, or Buffers. */
  readonly input?: string | Buffer | AsyncIterable<Buffer> | Iterable<Buffer>;
  /** An open file that gets the output. */
  readonly stdoutFd?: number;
  readonly env?: NodeJS.ProcessEnv;
}

export interface PlumbingPlace {
  readonly gitDir: string;
  readonly workTree?: string | undefined;
}

export async function createPlumbing(place: PlumbingPlace, env: NodeJS.ProcessEnv): Promise<Plumbing> {
  const base = [
    ...[...defusedSettings].flatMap(setting => ['-c', setting]),
    `--git-dir=${place.gitDir}`,
    ...(place.workTree === undefined ? [] : [`--work-tree=${place.workTree}`]),
    '--literal-pathspecs',
  ];
  const cwd = place.workTree ?? place.gitDir;
  const run = async (
    settings: readonly string[],
    args: readonly string[],
    options: PlumbingOptions,
  ): Promise<RunResult> => {
    try {
      return await runCaptured('git', [...settings.flatMap(s => ['-c', s]), ...base, ...args], {
        cwd,
        env: gitEnvironment(env, options.env),
        ...(options.stdoutFd === undefined ? {} : { stdoutFd: options.stdoutFd }),
        ...(options.input === undefined
          ? {}
          : {
              input: typeof options.input === 'string' ? Buffer.from(options.input, 'latin1') : options.input,
            }),
      });
    } catch (error) {
      throw gitMissing(error);
    }
  };
  const filters = filterOverrides(
    parseScopedConfig(
      (await run([], ['config', '--show-scope', '-z', '--get-regexp', DRIVERS], {})).stdout.toString('utf8'),
    ),
  );
  const bytes: Plumbing['bytes'] = async (args, options = {}) => {
    const result = await run(filters, args, options);
    if (result.code !== 0) throw gitFailed(args, result);
    return result.stdout;
  };
  return {
    bytes,
    text: async (args, options) => (await bytes(args, options)).toString('latin1'),
    try: (args, options = {}) => run(filters, args, options),
  };
}

/** What can be said of any failure of git. */
export const GIT_HINT = "see to what git says, then run the command again; -v shows all of git's words";

export function gitFailed(args: readonly string[], result: RunResult): HeadjackError {
  const said = printable(result.stderr.trim().split('\n').at(-1) ?? '');
  return new HeadjackError(
    'git_failed',
    `git ${args.find((word, i) => word !== '-c' && args[i - 1] !== '-c') ?? ''} failed: ${said === '' ? `exit code ${String(result.code)}` : said}`,
    {
      hint: GIT_HINT,
      details: { command: ['git', ...args], exit_code: result.code, stderr: result.stderr.trim() },
    },
  );
}

export function gitMissing(error: unknown): unknown {
  return errnoOf(error) === 'ENOENT'
    ? new HeadjackError('git_missing', 'git is not installed, or not on PATH', {
        hint: 'apt-get install git',
        cause: error,
      })
    : error;
}

/** Splits NUL-terminated output. */
export function splitNul(text: string): string[] {
  return text === '' ? [] : text.replace(/\0$/, '').split('\0');
}

/** The object that a name stands for, or undefined where there is none. */
export async function findObject(git: Plumbing, name: string): Promise<string | undefined> {
  const found = (await git.try(['rev-parse', '--verify', '--quiet', name])).stdout.toString('latin1').trim();
  return found === '' ? undefined : found;
}

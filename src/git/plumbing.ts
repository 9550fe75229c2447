import { HeadjackError } from '../errors.ts';
import { printable } from '../core/printable.ts';
import type { RunResult } from '../process/run.ts';
import { DRIVERS, driverOverrides } from './drivers.ts';
import type { Setting } from './environment.ts';
import { removeLeftWrites, wasDiskFull } from './left-writes.ts';
import { realPathOf } from '../process/files.ts';
import { runGit } from './run-git.ts';
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

/** For reading the configuration, which may include a file that never ends. */
const CONFIG_MS = 5000;

export interface PlumbingPlace {
  readonly gitDir: string;
  readonly workTree?: string | undefined;
}

export async function createPlumbing(place: PlumbingPlace, env: NodeJS.ProcessEnv): Promise<Plumbing> {
  const run = (
    settings: readonly Setting[],
    args: readonly string[],
    { input, stdoutFd, env: variables }: PlumbingOptions,
  ): Promise<RunResult> =>
    runGit({ ...place, args: ['--literal-pathspecs', ...args], env, settings, input, stdoutFd, variables });
  const listed = await runGit({
    ...place,
    args: ['config', '--show-scope', '-z', '--get-regexp', DRIVERS],
    env,
    timeoutMs: CONFIG_MS,
  });
  const settings = driverOverrides(parseScopedConfig(listed.stdout.toString('utf8')));
  const bytes: Plumbing['bytes'] = async (args, options = {}) => {
    const since = Date.now();
    const result = await run(settings, args, options);
    if (result.code === 0) return result.stdout;
    if (wasDiskFull(result)) {
      const asked = [
        'rev-parse',
        '--path-format=absolute',
        '--git-path',
        'objects',
        '--git-path',
        'fast_import_crash_0',
      ];
      const [objects = '', crash = ''] = (await run(settings, asked, {})).stdout.toString('utf8').split('\n');
      if (objects !== '' && crash !== '') removeLeftWrites({ objects: realPathOf(objects), crash }, since);
    }
    throw gitFailed(args, result);
  };
  return {
    bytes,
    text: async (args, options) => (await bytes(args, options)).toString('latin1'),
    try: (args, options = {}) => run(settings, args, options),
  };
}

/** What can be said of any failure of git. */
export const GIT_HINT = "see to what git says, then run the command again; -v shows all of git's words";

export function gitFailed(args: readonly string[], result: RunResult): HeadjackError {
  const said = printable(result.stderr.trim().split('\n').at(-1) ?? '');
  if (wasDiskFull(result))
    return new HeadjackError(
      'disk_full',
      'git cannot write: no space is left on the disk of the repository',
      {
        hint: 'make room there, then run the command again',
        details: { command: ['git', ...args], exit_code: result.code, stderr: result.stderr.trim() },
      },
    );
  return new HeadjackError(
    'git_failed',
    `git ${args.find((word, i) => word !== '-c' && args[i - 1] !== '-c') ?? ''} failed: ${said === '' ? `exit code ${String(result.code)}` : said}`,
    {
      hint: GIT_HINT,
      details: { command: ['git', ...args], exit_code: result.code, stderr: result.stderr.trim() },
    },
  );
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

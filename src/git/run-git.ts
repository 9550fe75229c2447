import { HeadjackError } from '../errors.ts';
import { ProgramMissing, requireProgram } from '../process/programs.ts';
import { runCaptured, type RunOptions, type RunResult } from '../process/run.ts';
import { defusedSettings, gitEnvironment, userSettings, type Setting } from './environment.ts';

export interface GitCall {
  readonly args: readonly string[];
  /** The caller's environment; what of it git gets is named in one list. */
  readonly env: NodeJS.ProcessEnv;
  readonly gitDir?: string | undefined;
  readonly workTree?: string | undefined;
  /** Where it runs; the work tree or git directory if it is not said. */
  readonly cwd?: string | undefined;
  /** Bytes as latin1, or Buffers. */
  readonly input?: RunOptions['input'];
  /** Beside those that defuse every git of ours. */
  readonly settings?: readonly Setting[];
  /** Variables of git's own: GIT_INDEX_FILE and their like. */
  readonly variables?: NodeJS.ProcessEnv | undefined;
  /** An open file that gets the output. */
  readonly stdoutFd?: number | undefined;
  /**
   * As the user's own git: replaced objects are, and a partial clone fetches what it lacks. Only in the user's own repository, with
   * a configuration that nothing inside has written.
   */
  readonly asUser?: boolean;
  readonly timeoutMs?: number;
  /** Bytes. */
  readonly maxOutput?: number;
}

/** Longer than a look at the largest tree takes; what waits for a FIFO or a dead disk ends some time. */
const LONGEST_MS = 10 * 60_000;

/**
 * Runs git, defused, whatever its exit code. The one place that does (simple-git has its program and environment from here too).
 * @throws HeadjackError git_missing; git_failed where it took too long or said too much
 */
export async function runGit(call: GitCall): Promise<RunResult> {
  const { gitDir, workTree, input, stdoutFd, timeoutMs = LONGEST_MS, maxOutput } = call;
  const cwd = call.cwd ?? workTree ?? gitDir;
  const args = [
    ...(gitDir === undefined ? [] : [`--git-dir=${gitDir}`]),
    ...(workTree === undefined ? [] : [`--work-tree=${workTree}`]),
    ...call.args,
  ];
  let result: RunResult;
  try {
    result = await runCaptured('git', args, {
      env: environmentOf(call),
      timeoutMs,
      ...(cwd === undefined ? {} : { cwd }),
      ...(stdoutFd === undefined ? {} : { stdoutFd }),
      ...(maxOutput === undefined ? {} : { maxOutput }),
      ...(input === undefined
        ? {}
        : { input: typeof input === 'string' ? Buffer.from(input, 'latin1') : input }),
    });
  } catch (error) {
    throw gitMissing(error);
  }
  if (result.exceeded === undefined) return result;
  const why =
    result.exceeded === 'time'
      ? `did not end within ${String(Math.round(timeoutMs / 1000))} s`
      : 'said more than could be right';
  throw new HeadjackError('git_failed', `git ${call.args.join(' ').slice(0, 80)} ${why}`, {
    hint: `look for what it waits for: a FIFO, a file of enormous size${cwd === undefined ? '' : ` in ${cwd}`}`,
  });
}

/** The environment of such a git. */
export function environmentOf(
  call: Pick<GitCall, 'env' | 'settings' | 'variables' | 'asUser'>,
): NodeJS.ProcessEnv {
  const { env, settings = [], asUser = false } = call;
  const all = [...(asUser ? userSettings : defusedSettings), ...settings];
  return { ...gitEnvironment(env, { settings: all, asUser }), ...call.variables };
}

/** Where git is. @throws HeadjackError git_missing */
export function requireGit(env: NodeJS.ProcessEnv): string {
  try {
    return requireProgram('git', env);
  } catch (error) {
    throw gitMissing(error);
  }
}

function gitMissing(error: unknown): unknown {
  return error instanceof ProgramMissing
    ? new HeadjackError('git_missing', 'git is not installed, or not on PATH', {
        hint: 'apt-get install git',
        cause: error,
      })
    : error;
}

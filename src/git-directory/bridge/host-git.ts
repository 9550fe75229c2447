import { runGit, type GitCall } from '../../git/run-git.ts';
import type { Setting } from '../../git/environment.ts';
import { gitFailed } from '../../git/plumbing.ts';
import type { RunResult } from '../../process/run.ts';

interface HostGitOptions extends Pick<GitCall, 'input' | 'variables' | 'timeoutMs'> {
  /** The git directory, where it is not the common one. */
  readonly gitDir?: string;
  readonly settings?: readonly Setting[];
}

/** The host's git as the bridge uses it: on the host's own repository alone, never on what is written inside. */
export interface HostGit {
  readonly commonDir: string;
  /** The result, whatever the exit code. */
  try(args: readonly string[], options?: HostGitOptions): Promise<RunResult>;
  /** Output as latin1. @throws HeadjackError git_failed */
  text(args: readonly string[], options?: HostGitOptions): Promise<string>;
}

const LONGEST_MS = 60_000;

export function openHostGit(commonDir: string, env: NodeJS.ProcessEnv): HostGit {
  const run: HostGit['try'] = (args, options = {}) =>
    runGit({
      args,
      env,
      gitDir: options.gitDir ?? commonDir,
      cwd: commonDir,
      settings: [...bounded, ...(options.settings ?? [])],
      variables: { GIT_ALLOC_LIMIT: '256m', ...options.variables },
      timeoutMs: options.timeoutMs ?? LONGEST_MS,
      ...(options.input === undefined ? {} : { input: options.input }),
    });
  return {
    commonDir,
    try: run,
    async text(args, options) {
      const result = await run(args, options);
      if (result.code !== 0) throw gitFailed(args, result);
      return result.stdout.toString('latin1');
    },
  };
}

/** Objects that come from inside may claim any size: one thread, and (by GIT_ALLOC_LIMIT) no large allocation. */
const bounded: readonly Setting[] = [
  ['pack.threads', '1'],
  ['core.bigFileThreshold', '32m'],
  ['core.splitIndex', 'false'],
];

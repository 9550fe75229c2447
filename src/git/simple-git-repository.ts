import { simpleGit, type SimpleGit } from 'simple-git';
import { HeadjackError } from '../errors.ts';
import type { Repository } from '../core/repository.ts';
import { realPathOf } from '../process/files.ts';
import { withAbsolutePath } from '../process/programs.ts';
import type { RunResult } from '../process/run.ts';
import { appendUpstream } from './append-config.ts';
import type { Setting } from './environment.ts';
import { GitExit, translateGit } from './git-exit.ts';
import { gitFailed } from './plumbing.ts';
import type { BranchOrigin, RepositoryGit } from './port.ts';
import { readCommit } from './read-commit.ts';
import { configQuery, parseRepositoryConfig, type RepositoryConfig } from './repository-config.ts';
import { findStrangeWorktree, refuseStrange } from './strange-files.ts';
import { environmentOf, requireGit, runGit } from './run-git.ts';

/** simple-git guards against settings that come from outside; all of these switch something off, and are ours. */
const unsafe = {
  allowUnsafeCustomBinary: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeAskPass: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeDiffExternal: true,
  allowUnsafeDiffTextConv: true,
  allowUnsafeEditor: true,
  allowUnsafeFilter: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeGitProxy: true,
  allowUnsafeGpgProgram: true,
  allowUnsafeHooksPath: true,
  allowUnsafeMergeDriver: true,
  allowUnsafePager: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeSshCommand: true,
};
/** No word of a git for so long; `worktree add` of a large tree says nothing for minutes. */
const SILENT_MS = 10 * 60_000;

export function createSimpleGitRepository(repository: Repository, env: NodeJS.ProcessEnv): RepositoryGit {
  const open = (call: { settings: readonly Setting[]; asUser?: boolean }): SimpleGit => {
    const childEnv = withAbsolutePath(environmentOf({ env, ...call }));
    return simpleGit({
      baseDir: repository.root,
      binary: requireGit(env),
      unsafe,
      allowEnvironment: Object.keys(childEnv),
      timeout: { block: SILENT_MS },
      completion: { onClose: true, onExit: false },
      errors: (error, result) =>
        result.exitCode === 0
          ? undefined
          : (error ?? new GitExit(result.exitCode, Buffer.concat(result.stdErr).toString('utf8'))),
    }).env(childEnv);
  };
  const ask = (args: readonly string[], input = ''): Promise<RunResult> =>
    runGit({ args, cwd: repository.root, input: Buffer.from(input), env });
  let config: Promise<RepositoryConfig> | undefined;
  let filtered: Promise<SimpleGit> | undefined;

  const raw = async (git: SimpleGit, args: string[]): Promise<string> => {
    try {
      return await git.raw(args);
    } catch (error) {
      throw translateGit(error, args);
    }
  };
  const loadConfig = (): Promise<RepositoryConfig> => {
    config ??= ask(configQuery).then(ran =>
      parseRepositoryConfig(ran.stdout.toString('utf8'), repository.root),
    );
    return config;
  };
  /** Git whose repository-made filters are off: for everything that writes or reads a working tree. */
  const git = (): Promise<SimpleGit> => {
    filtered ??= loadConfig().then(c => open({ settings: c.overrides }));
    return filtered;
  };
  /** The same as the user's own git: what a checkout of a partial clone lacks is fetched. */
  const userGit = async (): Promise<SimpleGit> =>
    open({ settings: (await loadConfig()).overrides, asUser: true });
  /** Output, or undefined where git says no. */
  const attempt = async (on: SimpleGit, args: string[]): Promise<string | undefined> => {
    try {
      return await raw(on, args);
    } catch (error) {
      if (error instanceof HeadjackError && error.code === 'git_failed') return undefined;
      throw error;
    }
  };
  /** What names stand for: one call of git for all of them. Missing ones are left out. */
  const resolve = async (names: readonly string[]): Promise<Map<string, string>> => {
    const usable = names.filter(name => name !== '' && !/[\n\0]/.test(name));
    const args = ['cat-file', '--batch-check=%(objectname)'];
    const ran = await ask(args, usable.map(name => `${name}\n`).join(''));
    if (ran.code !== 0) throw gitFailed(args, ran);
    const lines = ran.stdout.toString('utf8').split('\n');
    return new Map(
      usable.flatMap((name, i) => (/^[0-9a-f]+$/.test(lines[i] ?? '') ? [[name, lines[i] ?? '']] : [])),
    );
  };
  const findCommit = async (ref: string): Promise<string | undefined> =>
    [...(await resolve([`${ref}^{commit}`])).values()][0];

  return {
    findCommit,

    async planBranch(branch, from): Promise<BranchOrigin> {
      const { remotes } = await loadConfig();
      const commitOf = (ref: string): string => `${ref}^{commit}`;
      const found = await resolve(
        [
          `refs/heads/${branch}`,
          'HEAD',
          from ?? '',
          ...remotes.map(remote => `refs/remotes/${remote}/${branch}`),
        ].map(commitOf),
      );
      const local = found.get(commitOf(`refs/heads/${branch}`));
      const onRemote = (remote: string): string | undefined =>
        found.get(commitOf(`refs/remotes/${remote}/${branch}`));
      if (local !== undefined) {
        if (from === undefined) return { kind: 'local', commit: local };
        throw new HeadjackError(
          'options_differ',
          `branch "${branch}" exists already; --from is for a new one`,
          {
            hint: `hjk run ${branch}`,
          },
        );
      }
      if (from !== undefined) {
        const remote = remotes.find(r => from === `${r}/${branch}`);
        const there = remote === undefined ? undefined : onRemote(remote);
        if (remote !== undefined && there !== undefined) return { kind: 'remote', remote, commit: there };
        const start = found.get(commitOf(from));
        if (start !== undefined) return { kind: 'new', commit: start };
        throw new HeadjackError(
          'ref_not_found',
          `"${from}" is no commit, branch or tag of ${repository.root}`,
          {
            hint: 'git branch --all',
          },
        );
      }
      const having = remotes.filter(remote => onRemote(remote) !== undefined);
      const [only] = having;
      if (only !== undefined && having.length === 1)
        return { kind: 'remote', remote: only, commit: onRemote(only) ?? '' };
      if (only !== undefined) {
        throw new HeadjackError(
          'branch_ambiguous',
          `branch "${branch}" exists on several remotes: ${having.join(', ')}`,
          {
            hint: `hjk run ${branch} --from ${only}/${branch}`,
            details: { remotes: having },
          },
        );
      }
      const head = found.get(commitOf('HEAD'));
      if (head !== undefined) return { kind: 'new', commit: head };
      throw new HeadjackError(
        'no_commits',
        `${repository.root} has no commit that branch "${branch}" could start from`,
        {
          hint: 'git commit --allow-empty -m "first commit"',
        },
      );
    },

    async requireNotCheckedOut(branch, worktree) {
      refuseStrange(findStrangeWorktree(repository.commonDir));
      const args = ['worktree', 'list', '--porcelain'];
      const listed = await ask(args);
      if (listed.code !== 0) throw gitFailed(args, listed);
      const listing = listed.stdout.toString('utf8');
      for (const block of listing.split('\n\n')) {
        const lines = block.split('\n');
        const place = lines.find(l => l.startsWith('worktree '))?.slice('worktree '.length);
        if (place === undefined || !lines.includes(`branch refs/heads/${branch}`)) continue;
        if (realPathOf(place) === realPathOf(worktree)) continue;
        const gone = lines.some(l => l.startsWith('prunable'));
        throw new HeadjackError(
          'branch_in_use',
          `branch "${branch}" is checked out at ${place}${gone ? ', which is gone' : ''}`,
          {
            hint: gone ? 'git worktree prune' : `git -C ${place} switch <another branch>`,
            details: { worktree: place },
          },
        );
      }
    },

    async addWorktree(worktree, branch, origin) {
      const add = ['-c', 'checkout.workers=0', 'worktree', 'add', '--quiet'];
      if (origin.kind === 'local') {
        await raw(await userGit(), [...add, '--', worktree, branch]);
        return;
      }
      await raw(await userGit(), [...add, '--no-track', '-b', branch, '--', worktree, origin.commit]);
      const { remotes, configuredBranches } = await loadConfig();
      const usual = remotes.includes('origin') ? 'origin' : remotes.length === 1 ? remotes[0] : undefined;
      const remote = origin.kind === 'remote' ? origin.remote : usual;
      if (remote !== undefined && !configuredBranches.has(branch))
        await appendUpstream(repository.commonDir, branch, { remote, merge: `refs/heads/${branch}` });
    },

    async addEmptyWorktree(worktree, commit) {
      const add = ['worktree', 'add', '--quiet', '--no-checkout', '--detach', '--', worktree, commit];
      await raw(await git(), add);
    },

    async forgetWorktree(worktree) {
      await raw(await git(), ['worktree', 'remove', '--force', '--force', worktree]);
    },

    async copyUpstream(from, to) {
      const { upstreams } = await loadConfig();
      const upstream = upstreams.get(from);
      if (upstream !== undefined && !upstreams.has(to))
        await appendUpstream(repository.commonDir, to, upstream);
    },

    async advanceBranch(branch, tip, old) {
      return (await attempt(await git(), ['update-ref', `refs/heads/${branch}`, tip, old])) !== undefined;
    },

    readFiles: (commit, wanted) => readCommit(repository.commonDir, { commit, ...wanted }, env),

    async identity() {
      const { userName, userEmail } = await loadConfig();
      return { name: userName, email: userEmail };
    },

    async localRemotes() {
      return [...(await loadConfig()).localRemotes];
    },
  };
}

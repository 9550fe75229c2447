import { GitError, simpleGit, type SimpleGit } from 'simple-git';
import { HeadjackError, errnoOf } from '../errors.ts';
import { printable } from '../core/printable.ts';
import type { Repository } from '../core/repository.ts';
import { realPathOf } from '../process/files.ts';
import { defusedSettings, gitEnvironment } from './environment.ts';
import { gitMissing } from './plumbing.ts';
import type { BranchOrigin, RepositoryGit } from './port.ts';
import { configQuery, parseRepositoryConfig, type RepositoryConfig } from './repository-config.ts';

/** simple-git resolves on a silent failure and forgets the exit code; this keeps both. */
class GitExit extends GitError {
  readonly exitCode: number;
  constructor(exitCode: number, stderr: string) {
    super(undefined, stderr);
    this.exitCode = exitCode;
  }
}

/** Set by us, so simple-git's guard against settings that come from outside does not apply. */
const unsafe = {
  allowUnsafeHooksPath: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeFilter: true,
  allowUnsafeAlternateRefsCommand: true,
};

export function createSimpleGitRepository(repository: Repository, env: NodeJS.ProcessEnv): RepositoryGit {
  const childEnv = gitEnvironment(env);
  const open = (settings: readonly string[]): SimpleGit =>
    simpleGit({
      baseDir: repository.root,
      config: [...defusedSettings.filter(s => !s.startsWith('core.alternateRefsCommand')), ...settings],
      unsafe,
      allowEnvironment: Object.keys(childEnv),
      completion: { onClose: true, onExit: false },
      errors: (error, result) =>
        result.exitCode === 0
          ? undefined
          : (error ?? new GitExit(result.exitCode, Buffer.concat(result.stdErr).toString('utf8'))),
    }).env(childEnv);
  let config: Promise<RepositoryConfig> | undefined;
  let filtered: Promise<SimpleGit> | undefined;

  const raw = async (git: SimpleGit, args: string[]): Promise<string> => {
    try {
      return await git.raw(args);
    } catch (error) {
      throw translate(error, args);
    }
  };
  const loadConfig = (): Promise<RepositoryConfig> => {
    config ??= attempt(open([]), configQuery).then(out => parseRepositoryConfig(out ?? '', repository.root));
    return config;
  };
  /** Git whose repository-made filters are off: for everything that writes or reads a working tree. */
  const git = (): Promise<SimpleGit> => {
    filtered ??= loadConfig().then(c => open(c.filters));
    return filtered;
  };
  /** Output, or undefined where git says no. */
  const attempt = async (on: SimpleGit, args: string[]): Promise<string | undefined> => {
    try {
      return await raw(on, args);
    } catch (error) {
      if (error instanceof HeadjackError && error.code === 'git_failed') return undefined;
      throw error;
    }
  };
  const findCommit = async (ref: string): Promise<string | undefined> =>
    (
      await attempt(await git(), ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`])
    )?.trim();

  return {
    findCommit,

    async planBranch(branch, from): Promise<BranchOrigin> {
      const local = await findCommit(`refs/heads/${branch}`);
      if (local !== undefined) {
        if (from === undefined) return { kind: 'local' };
        throw new HeadjackError(
          'options_differ',
          `branch "${branch}" exists already; --from is for a new one`,
          {
            hint: `hjk run ${branch}`,
          },
        );
      }
      const { remotes } = await loadConfig();
      if (from !== undefined) {
        const remote = remotes.find(r => from === `${r}/${branch}`);
        if (remote !== undefined && (await findCommit(`refs/remotes/${from}`)) !== undefined)
          return { kind: 'remote', remote };
        const start = await findCommit(from);
        if (start !== undefined) return { kind: 'new', from: start };
        throw new HeadjackError(
          'ref_not_found',
          `"${from}" is no commit, branch or tag of ${repository.root}`,
          {
            hint: 'git branch --all',
          },
        );
      }
      const having: string[] = [];
      for (const remote of remotes) {
        if ((await findCommit(`refs/remotes/${remote}/${branch}`)) !== undefined) having.push(remote);
      }
      const [only] = having;
      if (only !== undefined && having.length === 1) return { kind: 'remote', remote: only };
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
      const head = await findCommit('HEAD');
      if (head !== undefined) return { kind: 'new', from: head };
      throw new HeadjackError(
        'no_commits',
        `${repository.root} has no commit that branch "${branch}" could start from`,
        {
          hint: 'git commit --allow-empty -m "first commit"',
        },
      );
    },

    async requireNotCheckedOut(branch, worktree) {
      const listing = await raw(await git(), ['worktree', 'list', '--porcelain']);
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
      if (origin.kind === 'local') await raw(await git(), [...add, '--', worktree, branch]);
      else if (origin.kind === 'remote') {
        await raw(await git(), [
          ...add,
          '--track',
          '-b',
          branch,
          '--',
          worktree,
          `refs/remotes/${origin.remote}/${branch}`,
        ]);
      } else {
        await raw(await git(), [...add, '--no-track', '-b', branch, '--', worktree, origin.from]);
        const { remotes } = await loadConfig();
        const remote = remotes.includes('origin') ? 'origin' : remotes.length === 1 ? remotes[0] : undefined;
        if (remote !== undefined) {
          await raw(await git(), ['config', `branch.${branch}.remote`, remote]);
          await raw(await git(), ['config', `branch.${branch}.merge`, `refs/heads/${branch}`]);
        }
      }
    },

    async lockWorktree(worktree, reason) {
      await attempt(await git(), ['worktree', 'lock', '--reason', reason, worktree]); // already locked: somebody's reason stays
    },

    async unlockWorktree(worktree) {
      await attempt(await git(), ['worktree', 'unlock', worktree]);
    },

    async forgetWorktree(worktree) {
      await raw(await git(), ['worktree', 'remove', '--force', '--force', worktree]);
    },

    async deleteBranch(branch, tip) {
      await raw(await git(), ['update-ref', '-d', `refs/heads/${branch}`, tip]);
      await attempt(await git(), ['config', '--remove-section', `branch.${branch}`]);
    },

    async showFile(commit, file) {
      return attempt(await git(), ['show', '--no-textconv', `${commit}:${file}`]);
    },

    async identity() {
      const { userName, userEmail } = await loadConfig();
      return { name: userName, email: userEmail };
    },

    async localRemotes() {
      return [...(await loadConfig()).localRemotes];
    },
  };
}

function translate(error: unknown, args: readonly string[]): unknown {
  if (errnoOf(error) === 'ENOENT') return gitMissing(error);
  const words = args.filter((word, i) => word !== '-c' && args[i - 1] !== '-c');
  const text = error instanceof Error ? error.message.trim() : String(error);
  if (/\bENOENT\b/.test(text) && text.includes('spawn'))
    return gitMissing(Object.assign(new Error(text), { code: 'ENOENT' }));
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('hint:'));
  const said = lines.find(line => /^(fatal|error):/.test(line)) ?? lines.at(-1) ?? '';
  return new HeadjackError('git_failed', `git ${words.slice(0, 2).join(' ')} failed: ${printable(said)}`, {
    details: {
      command: ['git', ...words],
      exit_code: error instanceof GitExit ? error.exitCode : undefined,
      stderr: text,
    },
    cause: error,
  });
}

import fs from 'node:fs';
import path from 'node:path';
import { realPathOf } from '../process/files.ts';
import { freezeRepository } from './frozen-repository.ts';
import { readGitFile } from './git-file.ts';
import { createPlumbing, findObject, type Plumbing } from './plumbing.ts';
import type { WalkedTree } from './walk.ts';
import { findStrangeRepository, type StrangeFile } from './strange-files.ts';
import { findChanges, type TreeChanges } from './tree-changes.ts';

/** A repository inside a worktree: a submodule or one that somebody cloned or made there. */
export interface NestedRepository {
  /** latin1 text, relative to the worktree. */
  readonly path: string;
  readonly git: Plumbing;
  readonly head: string | undefined;
  readonly changes: TreeChanges;
  /** Ref name → commit, of everything that it holds, where some of it is on none of its remotes. */
  readonly unpushed: ReadonlyMap<string, string>;
  /** Parents of its commits are missing: its history cannot be stored in another repository. */
  readonly shallow: boolean;
}

/** The metadata folder, if the nested `.git` is that of a linked worktree, of whatever repository. */
export function linkedWorktreeOf(folder: string): string | undefined {
  const dotGit = path.join(folder, '.git');
  if (!fs.lstatSync(dotGit).isFile()) return undefined;
  const target = readGitFile(dotGit);
  if (target === undefined) return undefined;
  const metadata = realPathOf(target);
  return fs.existsSync(path.join(metadata, 'commondir')) ? metadata : undefined;
}

/**
 * What no git may meet in the worktree or a repository inside it. A git that looks at the worktree reads into the repositories inside
 * on its way, so this comes first.
 */
export function findStrangeInTree(
  worktree: string,
  tree: WalkedTree,
  commonDir: string,
): StrangeFile | undefined {
  for (const relative of tree.strange.length > 0 ? [] : tree.nested) {
    const folder = path.join(worktree, Buffer.from(relative, 'latin1').toString('utf8'));
    if (linkedWorktreeOf(folder) !== undefined) continue; // refused as such
    const found = findStrangeRepository(path.join(folder, '.git'), [worktree, commonDir]);
    if (found !== undefined) return found;
  }
  return tree.strange[0];
}

/** @throws HeadjackError git_failed where git cannot read it: the caller then cannot tell */
export async function openNested(
  worktree: string,
  relative: string,
  env: NodeJS.ProcessEnv,
): Promise<NestedRepository> {
  const folder = path.join(worktree, Buffer.from(relative, 'latin1').toString('utf8'));
  const gitDir = await freezeRepository(path.join(folder, '.git'), env);
  const git = await createPlumbing({ gitDir, workTree: folder }, env);
  await git.text(['rev-parse', '--git-dir']);
  const head = await findObject(git, 'HEAD^{commit}');
  const refs = new Map<string, string>();
  for (const line of (await git.text(['for-each-ref', '--format=%(objectname) %(refname)'])).split('\n')) {
    const [object, name] = line.split(' ');
    if (object !== undefined && name !== undefined && name !== '') refs.set(name, object);
  }
  if (head !== undefined) refs.set('HEAD', head);
  const missing =
    refs.size === 0
      ? ''
      : await git.text([
          'rev-list',
          '--max-count=1',
          ...(head === undefined ? [] : ['HEAD']),
          '--all',
          '--not',
          '--remotes',
        ]);
  return {
    path: relative,
    git,
    head,
    changes: await findChanges(git, folder),
    unpushed: missing.trim() === '' ? new Map() : refs,
    shallow: (await git.text(['rev-parse', '--is-shallow-repository'])).trim() === 'true',
  };
}

export function hasChanges(changes: TreeChanges): boolean {
  return (
    changes.staged.length + changes.unstaged.length + changes.untracked.length + changes.conflicted.length > 0
  );
}

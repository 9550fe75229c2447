import fs from 'node:fs';
import path from 'node:path';
import { findObject, type Plumbing } from './plumbing.ts';

/** A commit that goes with the worktree or its branch, unless something that stays holds it. */
export interface DoomedTip {
  /** What it is called in a message: `HEAD`, `branch feat/x`, `refs/bisect/bad`, … */
  readonly what: string;
  readonly commit: string;
}

export interface UnreachableCommits extends DoomedTip {
  readonly count: number;
}

/**
 * Which of the tips hold commits that no branch, tag or remote-tracking branch has once they are gone. `without` are branches
 * that go too; symbolic refs to them do not count. Commits that only a reflog holds do not count.
 */
export async function findUnreachable(
  git: Plumbing,
  tips: readonly DoomedTip[],
  without: readonly string[],
): Promise<UnreachableCommits[]> {
  if (tips.length === 0) return [];
  const gone = new Set(without.map(branch => `refs/heads/${branch}`));
  const kept: string[] = [];
  const format = '%(objecttype) %(objectname) %(*objecttype) %(*objectname)%00%(refname)%00%(symref)';
  const listing = await git.text([
    'for-each-ref',
    `--format=${format}`,
    'refs/heads',
    'refs/tags',
    'refs/remotes',
  ]);
  for (const line of listing.split('\n')) {
    const [objects = '', name, symref] = line.split('\0');
    if (name === undefined || gone.has(name) || gone.has(symref ?? '')) continue;
    const [type, object, peeledType, peeled] = objects.split(' ');
    if (type === 'commit' && object !== undefined) kept.push(object);
    else if (peeledType === 'commit' && peeled !== undefined) kept.push(peeled);
  }
  const stays = kept.map(object => `^${object}`);
  const countOf = async (...commits: string[]): Promise<number> =>
    Number(
      await git.text(['rev-list', '--count', '--stdin'], { input: `${[...commits, ...stays].join('\n')}\n` }),
    );
  const found: UnreachableCommits[] = [];
  if (tips.length > 1 && (await countOf(...tips.map(tip => tip.commit))) === 0) return found;
  for (const tip of tips) {
    const count = await countOf(tip.commit);
    if (count > 0) found.push({ ...tip, count });
  }
  return found;
}

/**
 * Commits that only this worktree's own state holds: refs of its own, and what a rebase or merge put aside.
 * @param metadata folder of the worktree's metadata; git is asked only where it holds such a thing
 */
export async function worktreeOnlyTips(git: Plumbing, metadata: string): Promise<DoomedTip[]> {
  const tips: DoomedTip[] = [];
  const has = (name: string): boolean => fs.existsSync(path.join(metadata, name));
  if (['refs/worktree', 'refs/bisect', 'refs/rewritten', 'reftable'].some(has)) {
    const listing = await git.text([
      'for-each-ref',
      '--format=%(objecttype) %(objectname) %(refname)',
      'refs/worktree',
      'refs/bisect',
      'refs/rewritten',
    ]);
    for (const line of listing.split('\n')) {
      const [type, commit, name] = line.split(' ');
      if (type === 'commit' && commit !== undefined && name !== undefined) tips.push({ what: name, commit });
    }
  }
  for (const name of ['MERGE_AUTOSTASH', 'rebase-merge/autostash', 'rebase-apply/autostash'].filter(has)) {
    const commit = await findObject(git, `${name}^{commit}`);
    if (commit !== undefined) tips.push({ what: name, commit });
  }
  return tips;
}

import path from 'node:path';
import { readUntrusted } from '../process/regular-file.ts';
import type { WorktreeSubject } from './look.ts';
import { findObject, type Plumbing } from './plumbing.ts';
import {
  findUnreachable,
  worktreeOnlyTips,
  type DoomedTip,
  type UnreachableCommits,
} from './reachability.ts';

/** HEAD, the branch and the commits that only they, or the worktree's own state, hold. */
export interface Heads {
  readonly head: string | undefined;
  readonly detached: boolean;
  /** The ref that HEAD names, where it is not detached. */
  readonly headRef: string | undefined;
  /** Refs that only this worktree has: name → commit. */
  readonly ownRefs: ReadonlyMap<string, string>;
  /** Tip of the instance's branch. */
  readonly branchTip: string | undefined;
  readonly unreachable: readonly UnreachableCommits[];
}

export async function judgeHeads(
  subject: WorktreeSubject,
  git: Plumbing,
  ownMetadata: string | undefined,
): Promise<Heads> {
  const names = ['HEAD', `refs/heads/${subject.branch}`].map(name => `${name}^{commit}`);
  const answers = (
    await git.text(['cat-file', '--batch-check=%(objectname)'], {
      input: Buffer.from(`${names.join('\n')}\n`),
    })
  ).split('\n');
  const [ownCommit, branchTip] = answers.map(line => (/^[0-9a-f]+$/.test(line) ? line : undefined));
  const head = ownMetadata === undefined ? undefined : ownCommit;
  const headRef = ownMetadata === undefined ? undefined : await readHeadRef(git, ownMetadata);
  const detached = head !== undefined && headRef === undefined;
  const tips: DoomedTip[] = [];
  if (head !== undefined && detached) tips.push({ what: 'the detached HEAD', commit: head });
  if (subject.deleteBranch && branchTip !== undefined && !(detached && branchTip === head)) {
    tips.push({ what: `branch ${subject.branch}`, commit: branchTip });
  }
  const own = ownMetadata === undefined ? [] : await worktreeOnlyTips(git, ownMetadata);
  tips.push(...own);
  for (const { label, commit } of subject.extraTips ?? []) {
    if ((await findObject(git, `${commit}^{commit}`)) === undefined)
      throw new Error(`${commit} of ${label} is not in the repository`);
    tips.push({ what: label, commit });
  }
  const ownRefs = new Map(own.filter(tip => tip.what.startsWith('refs/')).map(tip => [tip.what, tip.commit]));
  const unreachable = await findUnreachable(git, tips, [
    ...(subject.going ?? []),
    ...(subject.deleteBranch ? [subject.branch] : []),
  ]);
  return { head, detached, headRef, ownRefs, branchTip, unreachable };
}

/** By hand, as asking git costs as much as a quarter of a look; a repository of reftables keeps no HEAD in the file. */
async function readHeadRef(git: Plumbing, metadata: string): Promise<string | undefined> {
  const found = /^ref: (refs\/.+)$/m.exec(readUntrusted(path.join(metadata, 'HEAD')) ?? '')?.[1];
  if (found !== 'refs/heads/.invalid') return found;
  const said = (await git.try(['symbolic-ref', '--quiet', 'HEAD'])).stdout.toString('latin1').trim();
  return said === '' ? undefined : said;
}

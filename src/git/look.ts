import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError, messageOf } from '../errors.ts';
import { printable } from '../core/printable.ts';
import { readUntrusted } from '../process/regular-file.ts';
import { findMetadata, lockReason, type WorktreeMetadata } from './metadata.ts';
import { hasChanges, linkedWorktreeOf, openNested, type NestedRepository } from './nested.ts';
import { createPlumbing, splitNul, type Plumbing } from './plumbing.ts';
import {
  findUnreachable,
  worktreeOnlyTips,
  type DoomedTip,
  type UnreachableCommits,
} from './reachability.ts';
import { findChanges, type TreeChanges } from './tree-changes.ts';
import { findUnfinished } from './unfinished.ts';
import { walkTree, type WalkedTree } from './walk.ts';
import { whyUnknown } from './why-unknown.ts';
import { findStrangeInTree } from './nested.ts';
import { findStrangeFile } from './strange-files.ts';

/** The worktree of an instance, as the catalog names it. */
export interface WorktreeSubject {
  readonly instanceId: string;
  readonly commonDir: string;
  readonly worktree: string;
  readonly branch: string;
  /** The branch is to go too. */
  readonly deleteBranch: boolean;
  /** Branches that others are about to delete: what only they hold is held by nothing. */
  readonly going?: readonly string[];
  /** Files that git ignores count as work. */
  readonly includeIgnored: boolean;
}

/** What a look at a worktree found. `reasons` is why removing it would lose work; empty means it would not. */
export interface Look {
  readonly reasons: readonly string[];
  /** Whether the reasons include "could not tell": nothing can be stored then. */
  readonly unknown: boolean;
  readonly metadata: WorktreeMetadata | undefined;
  readonly head: string | undefined;
  readonly detached: boolean;
  /** The ref that HEAD names, where it is not detached. */
  readonly headRef: string | undefined;
  /** Refs that only this worktree has: name → commit. */
  readonly ownRefs: ReadonlyMap<string, string>;
  /** What is under way: `a rebase`, … */
  readonly unfinished: readonly string[];
  /** Tip of the instance's branch. */
  readonly branchTip: string | undefined;
  readonly unreachable: readonly UnreachableCommits[];
  /** Undefined where there is no folder to look at. */
  readonly changes: TreeChanges | undefined;
  readonly nested: readonly NestedRepository[];
  readonly git: Plumbing | undefined;
}

/**
 * Looks at everything that removing the worktree would take away. Changes nothing.
 * @param at where the folder is at the moment, if it was renamed aside
 * @throws HeadjackError worktree_nested, busy (a git works there)
 */
export async function lookAtWorktree(
  subject: WorktreeSubject,
  env: NodeJS.ProcessEnv,
  at = subject.worktree,
): Promise<Look> {
  const metadata = findMetadata(subject.commonDir, subject.worktree);
  const stat = fs.lstatSync(at, { throwIfNoEntry: false });
  const present =
    stat !== undefined && !(stat.isDirectory() && metadata === undefined && fs.readdirSync(at).length === 0);
  const doubt = present ? whyUnknown(subject, at, metadata, stat) : undefined;
  if (doubt !== undefined) return unknownLook(metadata, doubt);
  if (metadata !== undefined && fs.existsSync(path.join(metadata.folder, 'index.lock'))) {
    throw new HeadjackError(
      'busy',
      `a git works in ${subject.worktree}: ${path.join(metadata.folder, 'index.lock')} exists`,
      {
        hint: 'wait for it; if no git runs there, remove that file',
      },
    );
  }
  const tree = present ? walkTree(at) : undefined;
  const strange =
    (tree === undefined ? undefined : findStrangeInTree(at, tree, subject.commonDir)) ??
    (metadata === undefined ? undefined : findStrangeFile(metadata.folder, [subject.commonDir]));
  if (strange !== undefined) return unknownLook(metadata, `${strange.file} ${strange.why}`);
  const gitDir = metadata?.folder ?? subject.commonDir;
  const git = await createPlumbing({ gitDir, workTree: present ? at : undefined }, env);
  const reasons: string[] = [];
  if (metadata?.lock !== undefined && metadata.lock !== lockReason(subject.instanceId)) {
    reasons.push(
      `the worktree is locked by somebody else${metadata.lock === '' ? '' : `: ${printable(metadata.lock)}`}`,
    );
  }
  try {
    const heads = await judgeHeads(subject, git, metadata?.folder);
    for (const tip of heads.unreachable) {
      reasons.push(
        `${String(tip.count)} commit${tip.count === 1 ? '' : 's'} of ${tip.what} on no other branch, tag or remote`,
      );
    }
    const unfinished = metadata === undefined ? [] : findUnfinished(metadata.folder);
    reasons.push(...unfinished.map(what => `${what} is not finished`));
    const known = { ...heads, reasons, unfinished, unknown: false, metadata, git };
    if (tree === undefined) return { ...known, changes: undefined, nested: [] };
    const changes = await findChanges(git, at, { ignored: subject.includeIgnored });
    reasons.push(...describeChanges(changes));
    const nested = await judgeNested(at, { tree, git, changes, env }, reasons);
    return { ...known, changes, nested };
  } catch (error) {
    if (error instanceof HeadjackError && error.code !== 'git_failed') throw error;
    return unknownLook(metadata, messageOf(error));
  }
}

/** Why a folder cannot be judged: only one that git's metadata and the entry name alike can. */
export function findDoubt(subject: WorktreeSubject): string | undefined {
  const stat = fs.lstatSync(subject.worktree, { throwIfNoEntry: false });
  return whyUnknown(subject, subject.worktree, findMetadata(subject.commonDir, subject.worktree), stat);
}

function unknownLook(metadata: WorktreeMetadata | undefined, why: string): Look {
  return {
    reasons: [`could not tell: ${printable(why)}`],
    unknown: true,
    metadata,
    head: undefined,
    detached: false,
    headRef: undefined,
    ownRefs: new Map(),
    unfinished: [],
    branchTip: undefined,
    unreachable: [],
    changes: undefined,
    nested: [],
    git: undefined,
  };
}

async function judgeHeads(
  subject: WorktreeSubject,
  git: Plumbing,
  ownMetadata: string | undefined,
): Promise<Pick<Look, 'head' | 'detached' | 'headRef' | 'ownRefs' | 'branchTip' | 'unreachable'>> {
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

function describeChanges(changes: TreeChanges): string[] {
  const list = (what: string, files: readonly string[]): string[] => {
    if (files.length === 0) return [];
    const names = files.slice(0, 5).map(file => printable(Buffer.from(file, 'latin1').toString('utf8')));
    return [
      `${what}: ${names.join(', ')}${files.length > 5 ? `, and ${String(files.length - 5)} more` : ''}`,
    ];
  };
  return [
    ...list('uncommitted', [...new Set([...changes.staged, ...changes.unstaged, ...changes.conflicted])]),
    ...list('untracked', changes.untracked),
  ];
}

async function judgeNested(
  at: string,
  outer: {
    tree: WalkedTree;
    git: Plumbing;
    changes: TreeChanges;
    env: NodeJS.ProcessEnv;
  },
  reasons: string[],
): Promise<NestedRepository[]> {
  const { tree } = outer;
  const [mount] = tree.mounts;
  if (mount !== undefined) {
    throw new HeadjackError(
      'worktree_nested',
      `${at}/${printable(mount)} is a mount point inside the worktree`,
      {
        hint: `sudo umount ${at}/${printable(mount)}`,
      },
    );
  }
  if (tree.unreadable.length > 0) {
    const input = tree.unreadable.map(folder => `${folder}\0`).join('');
    const ignored = splitNul(
      (await outer.git.try(['check-ignore', '-z', '--stdin'], { input })).stdout.toString('latin1'),
    );
    const left = tree.unreadable.filter(folder => !ignored.includes(folder));
    if (left[0] !== undefined) throw new Error(`${left[0]} cannot be read`);
  }
  const nested: NestedRepository[] = [];
  for (const relative of tree.nested) {
    const folder = path.join(at, Buffer.from(relative, 'latin1').toString('utf8'));
    const shown = printable(Buffer.from(relative, 'latin1').toString('utf8'));
    if (linkedWorktreeOf(folder) !== undefined) {
      throw new HeadjackError('worktree_nested', `${folder} is another worktree inside this one`, {
        hint: `git worktree move ${folder} <elsewhere>`,
      });
    }
    const found = await openNested(at, relative, outer.env);
    const link = outer.changes.links.get(relative);
    const moved = link !== undefined && found.head !== undefined && link !== found.head;
    if (hasChanges(found.changes)) reasons.push(`repository ${shown} inside has uncommitted work`);
    if (found.unpushed.size > 0)
      reasons.push(`repository ${shown} inside has commits that none of its remotes has`);
    if (moved) reasons.push(`submodule ${shown} is at another commit than recorded`);
    if (hasChanges(found.changes) || found.unpushed.size > 0 || moved) nested.push(found);
  }
  return nested;
}

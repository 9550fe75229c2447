import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError, messageOf } from '../errors.ts';
import { printable } from '../core/printable.ts';
import { judgeHeads, type Heads } from './heads.ts';
import { lookAtTree, type LookedTree } from './look-at-tree.ts';
import { findMetadata, lockReason, type WorktreeMetadata } from './metadata.ts';
import { createPlumbing, type Plumbing } from './plumbing.ts';
import { hasChanges } from './tree-changes.ts';
import { findStrangeInTree } from './nested.ts';
import { findStrangeFile } from './strange-files.ts';
import { findUnfinished } from './unfinished.ts';
import { walkTree } from './walk.ts';
import { whyUnknown } from './why-unknown.ts';

interface ExtraTip {
  /** What it is called in a message. */
  readonly label: string;
  readonly commit: string;
}

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
  /** Store all files that git ignores too. */
  readonly includeIgnored: boolean;
  /** Commits that go with the instance besides those of the worktree: the container's own branches, stashes and the like. */
  readonly extraTips?: readonly ExtraTip[];
}

/** What a look at a worktree found. `reasons` is why removing it would lose work; empty means it would not. */
export interface Look extends Heads, LookedTree {
  readonly reasons: readonly string[];
  /** Whether the reasons include "could not tell": nothing can be stored then. */
  readonly unknown: boolean;
  readonly metadata: WorktreeMetadata | undefined;
  /** What is under way: `a rebase`, … */
  readonly unfinished: readonly string[];
  /** Where the folder is at the moment. */
  readonly at: string;
  readonly git: Plumbing | undefined;
}

/** Whether there is anything in it that only the worktree, or the branch that goes too, holds. */
export function needsSnapshot(look: Look): boolean {
  const { changes } = look;
  return (
    look.unreachable.length + look.nested.length + look.unfinished.length + look.ignoredStored.length > 0 ||
    (changes !== undefined && (hasChanges(changes) || changes.intentToAdd.length > 0))
  );
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
  if (doubt !== undefined) return unknownLook(metadata, { at, why: doubt });
  if (metadata !== undefined && fs.existsSync(path.join(metadata.folder, 'index.lock'))) {
    throw new HeadjackError(
      'busy',
      `a git works in ${subject.worktree}: ${path.join(metadata.folder, 'index.lock')} exists`,
      {
        hint: 'wait for it; if no git runs there, remove that file',
      },
    );
  }
  const walked = present ? walkTree(at) : undefined;
  const strange =
    (walked === undefined
      ? undefined
      : findStrangeInTree(at, walked, [subject.worktree, subject.commonDir])) ??
    (metadata === undefined ? undefined : findStrangeFile(metadata.folder, [subject.commonDir]));
  if (strange !== undefined) return unknownLook(metadata, { at, why: `${strange.file} ${strange.why}` });
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
    const { tree, clean, ...found } = await lookAtTree(
      git,
      { subject, folder: walked === undefined ? undefined : { at, walked }, metadata: metadata?.folder },
      env,
    );
    reasons.push(...found.reasons);
    const look: Look = { ...heads, ...tree, reasons, unfinished, unknown: false, metadata, at, git };
    return needsSnapshot(look) ? { ...look, nested: [...look.nested, ...clean] } : look;
  } catch (error) {
    if (error instanceof HeadjackError && error.code !== 'git_failed') throw error;
    return unknownLook(metadata, { at, why: messageOf(error) });
  }
}

/** Why a folder cannot be judged: only one that git's metadata and the entry name alike can. */
export function findDoubt(subject: WorktreeSubject): string | undefined {
  const stat = fs.lstatSync(subject.worktree, { throwIfNoEntry: false });
  return whyUnknown(subject, subject.worktree, findMetadata(subject.commonDir, subject.worktree), stat);
}

function unknownLook(
  metadata: WorktreeMetadata | undefined,
  { at, why }: { readonly at: string; readonly why: string },
): Look {
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
    at,
    changes: undefined,
    present: new Set(),
    nested: [],
    ignoredStored: [],
    ignoredNotStored: [],
    emptyFolders: [],
    git: undefined,
  };
}

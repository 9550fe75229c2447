import { printable } from '../core/printable.ts';
import { HeadjackError } from '../errors.ts';
import { pathText } from './byte-path.ts';
import { chooseIgnored, type IgnoredPlace } from './ignored.ts';
import type { WorktreeSubject } from './look.ts';
import { inspectNested, type NestedRepository } from './nested.ts';
import { splitNul, type Plumbing } from './plumbing.ts';
import { findChanges, isIgnored, noChanges, type TreeChanges } from './tree-changes.ts';
import { nothing, type WalkedTree } from './walk.ts';

/** What the folder of a worktree, and the submodules in its metadata, hold. */
export interface LookedTree {
  /** Undefined where there is no folder to look at. */
  readonly changes: TreeChanges | undefined;
  /** Every file and link that is there, latin1 paths. */
  readonly present: ReadonlySet<string>;
  /** Repositories inside that are stored whole. */
  readonly nested: readonly NestedRepository[];
  /** Ignored files that are stored: all where that was asked for, else the small ones. Latin1 paths. */
  readonly ignoredStored: readonly string[];
  /** Ignored files that the removal deletes unstored. */
  readonly ignoredNotStored: readonly IgnoredPlace[];
  /** Folders without anything in them, latin1 paths. */
  readonly emptyFolders: readonly string[];
}

export interface TreePlace {
  readonly subject: WorktreeSubject;
  /** Where the folder is at the moment, and what was found there; undefined where it is gone. */
  readonly folder: { readonly at: string; readonly walked: WalkedTree } | undefined;
  readonly metadata: string | undefined;
}

/**
 * @returns also the clean clones, which are stored only where anything is
 * @throws HeadjackError worktree_nested
 */
export async function lookAtTree(
  git: Plumbing,
  place: TreePlace,
  env: NodeJS.ProcessEnv,
): Promise<{ tree: LookedTree; clean: readonly NestedRepository[]; reasons: string[] }> {
  const { subject, folder, metadata } = place;
  const { includeIgnored: all, worktree } = subject;
  const at = folder?.at ?? worktree;
  const walked = folder?.walked ?? nothing;
  refuseMounts(at, walked.mounts);
  const changes = folder === undefined ? noChanges : await findChanges(git, walked.files.get('') ?? []);
  const unread = await requireReadable(git, changes, walked.unreadable);
  const ignored = chooseIgnored(at, changes.ignored, { all, now: Date.now });
  const outer = { at, worktree, metadata, changes, tree: walked, includeIgnored: all };
  const nested = await inspectNested(outer, env);
  const tree = {
    changes: folder === undefined ? undefined : changes,
    present: new Set([...walked.files.values()].flat()),
    nested: nested.work,
    ignoredStored: ignored.stored,
    ignoredNotStored: [...unread, ...ignored.notStored, ...nested.ignoredNotStored],
    emptyFolders: walked.emptyFolders,
  };
  return { tree, clean: nested.clean, reasons: [...describeChanges(changes), ...nested.reasons] };
}

function describeChanges(changes: TreeChanges): string[] {
  const list = (what: string, files: readonly string[]): string[] => {
    if (files.length === 0) return [];
    const names = files.slice(0, 5).map(file => printable(pathText(file)));
    return [
      `${what}: ${names.join(', ')}${files.length > 5 ? `, and ${String(files.length - 5)} more` : ''}`,
    ];
  };
  return [
    ...list('uncommitted', [...new Set([...changes.staged, ...changes.unstaged, ...changes.conflicted])]),
    ...list('untracked', changes.untracked),
  ];
}

/** Of what cannot be read only what git ignores may go. @throws where anything else cannot be read */
async function requireReadable(
  git: Plumbing,
  changes: TreeChanges,
  unreadable: readonly string[],
): Promise<IgnoredPlace[]> {
  const open = unreadable.filter(folder => !isIgnored(changes, `${folder}/`));
  const input = open.map(folder => `${folder}\0`).join('');
  // it knows no literal pathspecs, and takes its input literally anyway
  const args = ['--no-literal-pathspecs', 'check-ignore', '-z', '--stdin'];
  const ignored =
    open.length === 0 ? [] : splitNul((await git.try(args, { input })).stdout.toString('latin1'));
  const left = open.find(folder => !ignored.includes(folder));
  if (left !== undefined) throw new Error(`${pathText(left)} cannot be read`);
  return unreadable.map(folder => ({ path: `${pathText(folder)}/`, bytes: 0, files: 0, complete: false }));
}

function refuseMounts(at: string, mounts: readonly string[]): void {
  const [mount] = mounts;
  if (mount === undefined) return;
  const shown = `${at}/${printable(pathText(mount))}`;
  throw new HeadjackError('worktree_nested', `${shown} is a mount point inside the worktree`, {
    hint: `sudo umount ${shown}`,
  });
}

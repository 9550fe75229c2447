import { HeadjackError } from '../errors.ts';
import { importFiles } from './import-blobs.ts';
import type { Look, WorktreeSubject } from './look.ts';
import { hasChanges, type NestedRepository } from './nested.ts';
import { durable, findObject, type Plumbing } from './plumbing.ts';
import { formatMessage, type SnapshotMessage } from './snapshot-message.ts';
import { lstatIn, type IndexEntry } from './tree-changes.ts';
import { readWorkingTree, writeTree } from './working-tree.ts';
import { storeState } from './unfinished.ts';

export const SNAPSHOTS = 'refs/headjack/snapshots/';

export interface Snapshot {
  readonly ref: string;
  readonly commit: string;
  /** The working tree with untracked files, nested repositories as plain files. */
  readonly tree: string;
}

/** Whether there is anything in it that only the worktree, or the branch that goes too, holds. */
export function needsSnapshot(look: Look): boolean {
  const { changes } = look;
  return (
    look.unreachable.length > 0 ||
    look.nested.length > 0 ||
    look.unfinished.length > 0 ||
    (changes !== undefined &&
      (hasChanges(changes) || changes.intentToAdd.length > 0 || changes.ignored.length > 0))
  );
}

/**
 * Stores the worktree as a commit under `refs/headjack/snapshots/<instance>-<n>`. The working tree stays as it is. All of it is
 * on the disk when this returns. Parents: HEAD, the index, then every commit that would be unreachable.
 * @param at where the folder is, if it was renamed aside
 * @throws HeadjackError unsafe where it cannot be stored, busy where a file changed meanwhile, git_failed (a full disk)
 */
export async function storeSnapshot(
  subject: WorktreeSubject,
  look: Look,
  at = subject.worktree,
): Promise<Snapshot> {
  const { git, changes } = look;
  if (git === undefined) throw unstorable(subject, look.reasons[0] ?? 'it could not be looked at');
  const shallow = look.nested.find(nested => nested.shallow && nested.unpushed.size > 0);
  if (shallow !== undefined)
    throw unstorable(
      subject,
      `the repository ${shallow.path} inside is shallow: its history cannot be stored`,
    );
  const working = readWorkingTree(look, at);
  await importFiles(git, at, working.files, working.touched);
  const tree = changes === undefined ? await headTree(git) : await writeTree(git, working.files);
  const stored = await writeIndexTree(git, look);
  const index = await commitTree(git, stored.tree, [], 'index');
  for (const nested of look.nested) await takeObjects(git, nested);
  const state = look.metadata === undefined ? undefined : await storeState(git, look, commitTree);
  const parents = [
    ...(look.head === undefined ? [] : [look.head]),
    index,
    ...look.unreachable.map(tip => tip.commit),
    ...look.nested.flatMap(nested => [...nested.unpushed.values()]),
    ...(state === undefined ? [] : [state]),
  ];
  const message = formatMessage({
    schema: 1,
    instance: subject.instanceId,
    branch: subject.branch,
    head: look.head ?? null,
    detached: look.detached,
    head_ref: look.headRef ?? null,
    branch_tip: subject.deleteBranch ? (look.branchTip ?? null) : null,
    index,
    stages: stored.stages,
    intent_to_add: [...(changes?.intentToAdd ?? [])],
    left_out: [...(changes?.leftOut ?? [])],
    nested: look.nested.map(nested => ({
      path: nested.path,
      head: nested.head ?? null,
      refs: Object.fromEntries(nested.unpushed),
    })),
    modes: unusualModes(working.touched, at),
    state: state ?? null,
    refs: Object.fromEntries(look.ownRefs),
    reasons: [...look.reasons],
    ignored: subject.includeIgnored,
  });
  const commit = await commitTree(git, tree, await onlyCommits(git, parents), message);
  return { ref: await nameSnapshot(git, subject.instanceId, commit), commit, tree };
}

function isStage(entry: IndexEntry): entry is IndexEntry & { stage: '1' | '2' | '3' } {
  return entry.stage !== '0';
}

async function headTree(git: Plumbing): Promise<string> {
  const tree = await findObject(git, 'HEAD^{tree}');
  return tree ?? (await git.text(['hash-object', '-w', '-t', 'tree', '--stdin'])).trim();
}

interface StoredIndex {
  readonly tree: string;
  readonly stages: SnapshotMessage['stages'];
}

/** The index as a tree: stages of a conflict as `<path>~1`, `~2`, `~3`, or the like where a file has that name. */
async function writeIndexTree(git: Plumbing, look: Look): Promise<StoredIndex> {
  const { changes } = look;
  if (changes === undefined) return { tree: await headTree(git), stages: [] };
  const intended = new Set(changes.intentToAdd);
  const plain = changes.index.filter(entry => entry.stage === '0' && !intended.has(entry.path));
  const files = new Map(plain.map(({ path, mode, object }) => [path, { mode, object }]));
  const stages = changes.index.filter(isStage).map(({ path, stage, mode, object }) => {
    let name = `${path}~${stage}`;
    while (files.has(name)) name += '~';
    files.set(name, { mode, object });
    return { mode, object, stage, path, name };
  });
  return { tree: await writeTree(git, files), stages };
}

/** Copies every object that a nested repository's refs reach into ours. */
async function takeObjects(git: Plumbing, nested: NestedRepository): Promise<void> {
  if (nested.unpushed.size === 0) return;
  const wanted = `${[...nested.unpushed.values()].join('\n')}\n`;
  const pack = await nested.git.bytes(['pack-objects', '--revs', '--stdout', '-q'], { input: wanted });
  await git.text([...durable, 'index-pack', '--stdin', '--fix-thin'], { input: pack });
}

async function commitTree(
  git: Plumbing,
  tree: string,
  parents: readonly string[],
  message: string,
): Promise<string> {
  const who = {
    GIT_AUTHOR_NAME: 'headjack',
    GIT_AUTHOR_EMAIL: 'headjack@localhost',
    GIT_COMMITTER_NAME: 'headjack',
    GIT_COMMITTER_EMAIL: 'headjack@localhost',
  };
  const args = [...durable, 'commit-tree', tree, ...[...new Set(parents)].flatMap(parent => ['-p', parent])];
  return (await git.text(args, { env: who, input: message })).trim();
}

/** Parents have to be commits: a tag stands for what it points at, anything else is left to the trees. */
async function onlyCommits(git: Plumbing, objects: readonly string[]): Promise<string[]> {
  const commits: string[] = [];
  for (const object of objects) {
    const commit = await findObject(git, `${object}^{commit}`);
    if (commit !== undefined) commits.push(commit);
  }
  return commits;
}

async function nameSnapshot(git: Plumbing, instanceId: string, commit: string): Promise<string> {
  for (let n = 1; ; n++) {
    const ref = `${SNAPSHOTS}${instanceId}-${String(n)}`;
    const result = await git.try([...durable, 'update-ref', ref, commit, '0'.repeat(commit.length)]);
    if (result.code === 0) return ref;
    if ((await findObject(git, ref)) === undefined) {
      throw new HeadjackError('git_failed', `git update-ref failed: ${result.stderr.trim()}`, {
        hint: 'nothing was deleted; see to what git says, then try again',
      });
    }
  }
}

/** Modes that git does not keep, of the files that are stored: path → octal. */
function unusualModes(files: readonly string[], at: string): Record<string, string> {
  const modes: [string, string][] = [];
  for (const file of files) {
    const stat = lstatIn(at, file);
    const mode = (stat?.mode ?? 0) & 0o7777;
    if (stat?.isFile() === true && mode !== 0o644 && mode !== 0o755) modes.push([file, mode.toString(8)]);
  }
  return Object.fromEntries(modes);
}

function unstorable(subject: WorktreeSubject, why: string): HeadjackError {
  return new HeadjackError('unsafe', `the work in ${subject.worktree} cannot be stored: ${why}`, {
    hint: `look at it: cd ${subject.worktree} && git status`,
    details: [why],
  });
}

import { HeadjackError } from '../errors.ts';
import { describeTree } from './file-facts.ts';
import { encodePath } from './encoded-path.ts';
import { importFiles } from './import-blobs.ts';
import type { Look, WorktreeSubject } from './look.ts';
import { mergeWithBase } from './snapshot-base.ts';
import type { NestedRepository } from './nested.ts';
import { durable, findObject, type Plumbing } from './plumbing.ts';
import { formatMessage, type SnapshotMessage } from './snapshot-message.ts';
import { readSparseSettings } from './sparse-settings.ts';
import type { IndexEntry } from './tree-changes.ts';
import { listTree, writeTree } from './tree-objects.ts';
import { storeState } from './unfinished.ts';
import { readWorkingTree, type FileTree, type TreeEntry, type WorkingTree } from './working-tree.ts';

export const SNAPSHOTS = 'refs/headjack/snapshots/';

export interface Snapshot {
  readonly ref: string;
  readonly commit: string;
  /** The working tree with untracked files and repositories inside, names that git refuses encoded. */
  readonly tree: string;
}

/**
 * Stores the worktree as a commit under `refs/headjack/snapshots/<instance>-<n>`. The working tree stays as it is. All of it is
 * on the disk when this returns. Parents: HEAD, the index, then every commit that would be unreachable.
 * @param base a snapshot stored before: what has gone since stays in this one, so that the newest is never the poorest
 * @throws HeadjackError unsafe where it cannot be stored, busy where a file changed meanwhile, git_failed (a full disk)
 */
export async function storeSnapshot(subject: WorktreeSubject, look: Look, base = ''): Promise<Snapshot> {
  const { git, changes } = look;
  if (git === undefined) throw unstorable(subject, look.reasons[0] ?? 'it could not be looked at');
  const working = await readWorkingTree(look, { forSnapshot: true });
  await importFiles(git, look, working);
  const files = changes === undefined ? await withHead(git, look, working) : working.files;
  const stored = await writeIndexTree(git, look);
  const state = look.metadata === undefined ? undefined : await storeState(git, look, commitTree);
  const inner = [];
  for (const nested of look.nested) inner.push(...(await takeCommits(git, nested)));
  const all = await mergeWithBase(git, base, {
    files,
    message: describe(subject, look, { working, state, stages: stored.stages }),
  });
  const tree = await writeTree(git, all.files);
  const index = await commitTree(git, stored.tree, [], 'index');
  const schema = [...all.files, ...stored.files].some(([file, { mode }]) => encodePath(file, mode) !== file)
    ? 2
    : 1;
  const parents = [
    ...(look.head === undefined ? [] : [look.head]),
    index,
    ...look.unreachable.map(tip => tip.commit),
    ...inner,
    ...(state === undefined ? [] : [state]),
    ...(base === '' ? [] : [base]),
  ];
  const message = formatMessage({ ...all.message, schema, index });
  const commit = await commitTree(git, tree, await onlyCommits(git, parents), message);
  return { ref: await nameSnapshot(git, subject.instanceId, commit), commit, tree };
}

function describe(
  subject: WorktreeSubject,
  look: Look,
  of: {
    readonly working: WorkingTree;
    readonly state: string | undefined;
    readonly stages: SnapshotMessage['stages'];
  },
): SnapshotMessage {
  const { changes } = look;
  return {
    schema: 1,
    instance: subject.instanceId,
    branch: subject.branch,
    head: look.head ?? null,
    detached: look.detached,
    head_ref: look.headRef ?? null,
    branch_tip: subject.deleteBranch ? (look.branchTip ?? null) : null,
    index: null,
    stages: of.stages,
    intent_to_add: [...(changes?.intentToAdd ?? [])],
    left_out: [...(changes?.leftOut ?? [])],
    skip_worktree: [...(changes?.hidden ?? [])],
    assume_unchanged: [...(changes?.assumed ?? [])],
    sparse: look.metadata === undefined ? {} : readSparseSettings(look.metadata.folder),
    nested: look.nested.map(nested => ({
      path: nested.path,
      head: nested.head ?? null,
      git: nested.gitPath ?? null,
      folder: nested.hasFolder,
      refs: Object.fromEntries(nested.unpushed),
    })),
    filtered: [...of.working.filtered],
    ...describeTree(look, of.working),
    state: of.state ?? null,
    refs: Object.fromEntries(look.ownRefs),
    reasons: [...look.reasons],
    ignored: subject.includeIgnored,
  };
}

/** Where the folder is gone: the files of HEAD, and what the metadata holds of submodules. */
async function withHead(git: Plumbing, look: Look, working: WorkingTree): Promise<FileTree> {
  const files = look.head === undefined ? new Map<string, TreeEntry>() : await listTree(git, look.head);
  return new Map([...files, ...working.files]);
}

function isStage(entry: IndexEntry): entry is IndexEntry & { stage: '1' | '2' | '3' } {
  return entry.stage !== '0';
}

async function headTree(git: Plumbing): Promise<string> {
  const tree = await findObject(git, 'HEAD^{tree}');
  return tree ?? (await git.text(['hash-object', '-w', '-t', 'tree', '--stdin'])).trim();
}

interface StoredIndex {
  readonly files: FileTree;
  readonly tree: string;
  readonly stages: SnapshotMessage['stages'];
}

/** The index as a tree: stages of a conflict as `<path>~1`, `~2`, `~3`, or the like where a file has that name. */
async function writeIndexTree(git: Plumbing, look: Look): Promise<StoredIndex> {
  const { changes } = look;
  if (changes === undefined) return { tree: await headTree(git), files: new Map(), stages: [] };
  const intended = new Set(changes.intentToAdd);
  const plain = changes.index.filter(entry => entry.stage === '0' && !intended.has(entry.path));
  const files = new Map(plain.map(({ path, mode, object }) => [path, { mode, object }]));
  const stages = changes.index.filter(isStage).map(({ path, stage, mode, object }) => {
    let name = `${path}~${stage}`;
    while (files.has(name)) name += '~';
    files.set(name, { mode, object });
    return { mode, object, stage, path, name };
  });
  return { tree: await writeTree(git, files), files, stages };
}

/**
 * Copies the history of a nested repository into ours, so that its commits can be seen without a restore. All of it is in its files
 * anyway: one without its parents, or of another kind, is left to them.
 */
async function takeCommits(git: Plumbing, { git: inner, unpushed }: NestedRepository): Promise<string[]> {
  if (inner === undefined || unpushed.size === 0) return [];
  const isWhole =
    (await inner.try(['rev-parse', '--is-shallow-repository'])).stdout.toString().trim() === 'false';
  const isPartial = (await inner.try(['config', '--get-regexp', 'partialclone|promisor'])).code === 0;
  if (!isWhole || isPartial) return [];
  const input = `${[...unpushed.values()].join('\n')}\n`;
  const pack = await inner.try(['pack-objects', '--revs', '--stdout', '-q'], { input });
  if (pack.code !== 0) return [];
  const taken = await git.try([...durable, 'index-pack', '--stdin', '--fix-thin'], { input: pack.stdout });
  return taken.code === 0 ? [...unpushed.values()] : [];
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

function unstorable(subject: WorktreeSubject, why: string): HeadjackError {
  return new HeadjackError('unsafe', `the work in ${subject.worktree} cannot be stored: ${why}`, {
    hint: `look at it: cd ${subject.worktree} && git status`,
    details: [why],
  });
}

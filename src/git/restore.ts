import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError } from '../errors.ts';
import { printable } from '../core/printable.ts';
import { durable, findObject, type Plumbing } from './plumbing.ts';
import type { StoredSnapshot } from './snapshot-list.ts';
import { bytePath, fillIndex, type IndexEntry } from './tree-changes.ts';
import { restoreState } from './unfinished.ts';
import { listTree, type FileTree, type TreeEntry } from './working-tree.ts';

/** Where HEAD of the restored worktree goes. */
export interface RestorePlan {
  /** The branch of the instance. */
  readonly branch: string;
  /** Undefined: detached. */
  readonly headRef: string | undefined;
  /** Branches that are to be made: ref → commit. */
  readonly create: ReadonlyMap<string, string>;
}

/**
 * Decides which branches have to be made. A branch that has moved on since is never moved back.
 * @throws HeadjackError branch_moved
 */
export async function planRestore(
  git: Plumbing,
  snapshot: StoredSnapshot,
  as: string | undefined,
): Promise<RestorePlan> {
  const { message } = snapshot;
  const branch = as ?? message.branch;
  const create = new Map<string, string>();
  const need = async (ref: string, commit: string | null): Promise<void> => {
    const now = await findObject(git, `${ref}^{commit}`);
    if (commit === null ? now === undefined : now === commit) return;
    if (now === undefined && commit !== null) {
      create.set(ref, commit);
      return;
    }
    throw new HeadjackError(
      'branch_moved',
      `branch "${printable(ref.replace('refs/heads/', ''))}" is at another commit than when the snapshot was stored`,
      {
        hint: `restore it under another name: hjk restore ${snapshot.id} --as <branch>`,
        details: { ref, now, stored: commit },
      },
    );
  };
  const own = `refs/heads/${branch}`;
  if (as !== undefined && as !== message.branch) {
    await need(own, message.head ?? message.branch_tip);
    return { branch, headRef: message.detached ? undefined : own, create };
  }
  const headRef = message.detached ? undefined : (message.head_ref ?? own);
  if (headRef !== undefined) await need(headRef, message.head);
  if (headRef !== own && message.branch_tip !== null && (await findObject(git, own)) === undefined)
    create.set(own, message.branch_tip);
  return { branch, headRef, create };
}

/** Fills a worktree that was added without a checkout: HEAD, index, files, modes, the state of what was not finished. */
export async function restoreSnapshot(
  git: Plumbing,
  at: { readonly metadata: string; readonly worktree: string },
  snapshot: StoredSnapshot,
  plan: RestorePlan,
): Promise<void> {
  const { message, commit } = snapshot;
  for (const [ref, tip] of plan.create)
    await git.text([...durable, 'update-ref', '--create-reflog', ref, tip, '0'.repeat(tip.length)]);
  if (plan.headRef !== undefined) await git.text(['symbolic-ref', 'HEAD', plan.headRef]);
  else if (message.head !== null) await git.text(['update-ref', '--no-deref', 'HEAD', message.head]);
  const index = await readIndex(git, snapshot);
  await fillIndex(git, {}, index);
  await writeFiles(git, at.worktree, {
    tree: await listTree(git, commit),
    index,
    leftOut: new Set(message.left_out),
  });
  if (message.left_out.length > 0)
    await git.text(['update-index', '--skip-worktree', '-z', '--stdin'], { input: nul(message.left_out) });
  if (message.intent_to_add.length > 0) {
    const add = [
      'add',
      '--intent-to-add',
      '--force',
      '--ignore-errors',
      '--pathspec-from-file=-',
      '--pathspec-file-nul',
    ];
    await git.try(add, { input: nul(message.intent_to_add) });
  }
  for (const [file, mode] of Object.entries(message.modes)) restoreMode(at.worktree, file, mode);
  if (message.state !== null) await restoreState(git, at.metadata, message.state);
  for (const [ref, tip] of Object.entries(message.refs)) await git.try(['update-ref', ref, tip]);
  await git.try(['update-index', '-q', '--refresh']);
}

function nul(files: readonly string[]): string {
  return files.map(file => `${file}\0`).join('');
}

async function readIndex(git: Plumbing, { message, commit }: StoredSnapshot): Promise<IndexEntry[]> {
  const parent = message.index ?? `${commit}^${message.head === null ? '1' : '2'}`;
  const stages = message.stages;
  const names = new Set(stages.map(({ name }) => name));
  const plain = [...(await listTree(git, parent))].filter(([file]) => !names.has(file));
  return [...plain.map(([file, { mode, object }]) => ({ mode, object, stage: '0', path: file })), ...stages];
}

/** Files that are as the index says are checked out as git does it; all others are written byte for byte. */
async function writeFiles(
  git: Plumbing,
  worktree: string,
  from: { tree: FileTree; index: readonly IndexEntry[]; leftOut: ReadonlySet<string> },
): Promise<void> {
  const indexed = new Map(from.index.filter(e => e.stage === '0').map(e => [e.path, e]));
  const checkout: string[] = [];
  const raw: [string, TreeEntry][] = [];
  for (const [file, entry] of from.tree) {
    if (from.leftOut.has(file)) continue;
    const own = indexed.get(file);
    if (entry.mode === '160000') prepareFolder(worktree, file);
    else if (own?.object === entry.object && own.mode === entry.mode) checkout.push(file);
    else raw.push([file, entry]);
  }
  if (checkout.length > 0)
    await git.text(['checkout-index', '--quiet', '--force', '-z', '--stdin'], { input: nul(checkout) });
  await writeRaw(git, worktree, raw);
}

const BATCH_BYTES = 32 * 1024 ** 2;

async function writeRaw(
  git: Plumbing,
  worktree: string,
  files: readonly (readonly [file: string, entry: TreeEntry])[],
): Promise<void> {
  const input = files.map(([, { object }]) => `${object}\n`).join('');
  const sizes =
    files.length === 0
      ? []
      : (await git.text(['cat-file', '--buffer', '--batch-check=%(objectsize)'], { input })).split('\n');
  let batch: (readonly [file: string, entry: TreeEntry])[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await writeBatch(git, worktree, batch);
    batch = [];
    bytes = 0;
  };
  for (const [i, [file, entry]] of files.entries()) {
    const size = Number(sizes[i]);
    if (size > BATCH_BYTES && entry.mode !== '120000') {
      await writeLarge(git, worktree, file, entry);
      continue;
    }
    if (bytes + size > BATCH_BYTES) await flush();
    batch.push([file, entry]);
    bytes += size;
  }
  await flush();
}

async function writeBatch(
  git: Plumbing,
  worktree: string,
  batch: readonly (readonly [file: string, entry: TreeEntry])[],
): Promise<void> {
  const answer = await git.bytes(['cat-file', '--buffer', '--batch=%(objectname) %(objectsize)'], {
    input: batch.map(([, { object }]) => `${object}\n`).join(''),
  });
  let position = 0;
  for (const [file, entry] of batch) {
    const end = answer.indexOf(10, position);
    const size = Number(answer.toString('latin1', position, end).split(' ')[1]);
    if (!Number.isInteger(size))
      throw new HeadjackError('git_failed', `the snapshot is not whole: ${printable(file)} is missing`);
    const content = answer.subarray(end + 1, end + 1 + size);
    position = end + size + 2;
    const place = prepare(worktree, file);
    if (entry.mode === '120000') fs.symlinkSync(content, place);
    else fs.writeFileSync(place, content, { flag: 'wx', mode: modeOf(entry) });
  }
}

/** A file too large for memory goes from git straight to the disk. */
async function writeLarge(git: Plumbing, worktree: string, file: string, entry: TreeEntry): Promise<void> {
  const fd = fs.openSync(prepare(worktree, file), 'wx', modeOf(entry));
  try {
    await git.bytes(['cat-file', 'blob', entry.object], { stdoutFd: fd });
  } finally {
    fs.closeSync(fd);
  }
}

function modeOf(entry: TreeEntry): number {
  return entry.mode === '100755' ? 0o755 : 0o644;
}

/** The place of a file, its folders made. @throws HeadjackError unsafe for a path that leads out, or into git's own files */
function prepare(worktree: string, file: string): Buffer {
  const parts = file.split('/');
  // `.git` in all the ways in which some file system takes it for one
  const bad = parts.some(
    part =>
      part === '' ||
      part === '.' ||
      part === '..' ||
      /^(\.git[. ]*|git~\d+)$/i.test(
        part.replaceAll(/\u00e2\u0080[\u008c-\u008f\u00aa-\u00ae]|\u00ef\u00bb\u00bf/g, ''),
      ),
  );
  if (bad)
    throw new HeadjackError(
      'unsafe',
      `the snapshot holds a path that is no file of a worktree: ${printable(file)}`,
      {
        hint: 'the snapshot was not made by hjk; nothing outside the worktree was touched',
      },
    );
  for (let depth = 1; depth < parts.length; depth++) {
    const folder = bytePath(worktree, parts.slice(0, depth).join('/'));
    const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
    if (stat === undefined) fs.mkdirSync(folder);
    else if (!stat.isDirectory())
      throw new HeadjackError('unsafe', `${path.join(worktree, printable(file))} leads through a link`, {
        hint: 'the snapshot was not made by hjk',
      });
  }
  return bytePath(worktree, file);
}

function prepareFolder(worktree: string, file: string): void {
  prepare(worktree, `${file}/x`);
}

function restoreMode(worktree: string, file: string, mode: string): void {
  const place = prepare(worktree, file);
  if (fs.lstatSync(place, { throwIfNoEntry: false })?.isFile() === true)
    fs.chmodSync(place, Number.parseInt(mode, 8) & 0o777);
}

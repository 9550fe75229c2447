import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError } from '../errors.ts';
import { makePrivateFolder } from '../process/files.ts';
import { readRegular } from '../process/regular-file.ts';
import type { Look } from './look.ts';
import { durable, findObject, type Plumbing } from './plumbing.ts';
import { listStoredTree, writeTree } from './tree-objects.ts';
import type { TreeEntry } from './working-tree.ts';

type Markers = readonly (readonly [file: RegExp, what: string])[];

/** What in a git directory says that something is in progress, and what it is called. */
const markers: Markers = [
  [/^rebase-merge$/, 'a rebase'],
  [/^rebase-apply$/, 'a rebase or am'],
  [/^MERGE_HEAD$/, 'a merge'],
  [/^SQUASH_MSG$/, 'a squash merge'],
  [/^CHERRY_PICK_HEAD$/, 'a cherry-pick'],
  [/^REVERT_HEAD$/, 'a revert'],
  [/^BISECT_[A-Z_]+$/, 'a bisect'],
  [/^NOTES_MERGE_[A-Z_]+$/, 'a merge of notes'],
];

/** What lies beside those, and alone once they are gone: between two commits of a series, after a `cherry-pick -n`. */
const remains: Markers = [
  [/^sequencer$/, 'a cherry-pick or revert of several commits'],
  [/^(?:MERGE_[A-Z_]+|AUTO_MERGE)$/, 'a merge'],
];

/** Files and folders that belong to such a thing. */
const stateFiles =
  /^(?:(?:MERGE_[A-Z_]+|AUTO_MERGE|CHERRY_PICK_HEAD|REVERT_HEAD|REBASE_HEAD|ORIG_HEAD|SQUASH_MSG|BISECT_[A-Z_]+|NOTES_MERGE_[A-Z_]+)|(?:rebase-merge|rebase-apply|sequencer|NOTES_MERGE_WORKTREE)\/.+)$/s;

/** Whether a file, by its path from the git directory on, belongs to what is in progress. */
export function isStateFile(name: string): boolean {
  return stateFiles.test(name);
}

const LARGEST_STATE = 64 * 1024 ** 2;

/** What is not finished in the worktree, or the repository, with this git directory. An empty leftover says nothing. */
export function findUnfinished(gitDir: string): string[] {
  const names = fs.readdirSync(gitDir).filter(name => hasContent(path.join(gitDir, name)));
  const found = (table: Markers): string[] =>
    table.filter(([file]) => names.some(name => file.test(name))).map(([, what]) => what);
  const named = found(markers);
  return named.length > 0 ? named : found(remains);
}

function hasContent(file: string): boolean {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  return stat?.isDirectory() === true ? fs.readdirSync(file).length > 0 : (stat?.size ?? 0) > 0;
}

type CommitTree = (
  git: Plumbing,
  tree: string,
  parents: readonly string[],
  message: string,
) => Promise<string>;

/** Stores the state of what is not finished as a commit that also holds the commits it speaks of. Undefined where all is done. */
export async function storeState(
  git: Plumbing,
  look: Look,
  commitTree: CommitTree,
): Promise<string | undefined> {
  const folder = look.metadata?.folder;
  if (folder === undefined || look.unfinished.length === 0) return undefined;
  const files: { name: string; content: Buffer }[] = [];
  let size = 0;
  for (const name of listFiles(folder, '').filter(file => stateFiles.test(file))) {
    const content = readRegular(path.join(folder, name), { follow: false, most: LARGEST_STATE });
    size += content.length;
    if (size > LARGEST_STATE)
      throw new HeadjackError('unsafe', `${path.join(folder, name)} is too large to be stored`, {
        hint: `finish or abort ${look.unfinished.join(' and ')} first`,
      });
    files.push({ name, content });
  }
  const tree = new Map<string, TreeEntry>();
  for (const { name, content } of files) {
    const hash = [...durable, 'hash-object', '-w', '--no-filters', '--stdin'];
    tree.set(name, { mode: '100644', object: (await git.text(hash, { input: content })).trim() });
  }
  return commitTree(git, await writeTree(git, tree), await commitsIn(git, files, commitTree), 'state');
}

/**
 * Commits that the files name: the rebase's own, those still to be picked, which a list of steps names by the beginning of their
 * ids. A tree (of AUTO_MERGE) is held by a commit of its own.
 */
async function commitsIn(
  git: Plumbing,
  files: readonly { content: Buffer }[],
  commitTree: CommitTree,
): Promise<string[]> {
  const ids = new Set(
    files.flatMap(({ content }) => content.toString('latin1').match(/\b[0-9a-f]{7,64}\b/g) ?? []),
  );
  if (ids.size === 0) return [];
  const input = [...ids].map(id => `${id}\n`).join('');
  const commits: string[] = [];
  for (const line of (await git.text(['cat-file', '--batch-check'], { input })).split('\n')) {
    const [object = '', type] = line.split(' ');
    if (type === 'commit') commits.push(object);
    else if (type === 'tree') commits.push(await commitTree(git, object, [], 'tree'));
  }
  return commits;
}

function listFiles(root: string, relative: string): string[] {
  return fs.readdirSync(path.join(root, relative), { withFileTypes: true }).flatMap(entry => {
    const name = relative === '' ? entry.name : `${relative}/${entry.name}`;
    if (entry.isDirectory() && /^(rebase-merge|rebase-apply|sequencer|NOTES_MERGE_WORKTREE)(\/|$)/.test(name))
      return listFiles(root, name);
    return entry.isFile() ? [name] : [];
  });
}

/** Puts the state back into the metadata of a new worktree. Only names that belong there are taken. */
export async function restoreState(git: Plumbing, metadata: string, state: string): Promise<void> {
  if ((await findObject(git, `${state}^{tree}`)) === undefined) return;
  for (const [name, { mode, object }] of await listStoredTree(git, state)) {
    if (
      mode !== '100644' ||
      !stateFiles.test(name) ||
      name.split('/').some(part => part === '' || part === '.' || part === '..')
    )
      continue;
    const file = path.join(metadata, name);
    makePrivateFolder(path.dirname(file));
    fs.writeFileSync(file, await git.bytes(['cat-file', 'blob', object]), { flag: 'wx', mode: 0o644 });
  }
}

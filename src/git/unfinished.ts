import fs from 'node:fs';
import path from 'node:path';
import { makePrivateFolder } from '../process/files.ts';
import type { Look } from './look.ts';
import { durable, findObject, type Plumbing } from './plumbing.ts';
import { listTree, writeTree, type TreeEntry } from './working-tree.ts';

/** What in a worktree's metadata says that something is under way, and what it is called. */
const markers: readonly (readonly [file: string, what: string])[] = [
  ['rebase-merge', 'a rebase'],
  ['rebase-apply', 'a rebase or am'],
  ['MERGE_HEAD', 'a merge'],
  ['CHERRY_PICK_HEAD', 'a cherry-pick'],
  ['REVERT_HEAD', 'a revert'],
  ['BISECT_LOG', 'a bisect'],
];

/** Files and folders that belong to such a thing. */
const stateFiles =
  /^(?:(?:MERGE_(?:HEAD|MSG|MODE|RR|AUTOSTASH)|AUTO_MERGE|CHERRY_PICK_HEAD|REVERT_HEAD|REBASE_HEAD|ORIG_HEAD|SQUASH_MSG|BISECT_[A-Z_]+)|(?:rebase-merge|rebase-apply|sequencer)\/[A-Za-z0-9_.\-/]+)$/;
const LARGEST_STATE = 64 * 1024 ** 2;

/** What is not finished in the worktree with this metadata. */
export function findUnfinished(metadata: string): string[] {
  return markers.filter(([file]) => fs.existsSync(path.join(metadata, file))).map(([, what]) => what);
}

/** Stores the state of what is not finished as a commit that also holds the commits it speaks of. Undefined where all is done. */
export async function storeState(
  git: Plumbing,
  look: Look,
  commitTree: (git: Plumbing, tree: string, parents: readonly string[], message: string) => Promise<string>,
): Promise<string | undefined> {
  const folder = look.metadata?.folder;
  if (folder === undefined || look.unfinished.length === 0) return undefined;
  const files: { name: string; content: Buffer }[] = [];
  let size = 0;
  for (const name of listFiles(folder, '').filter(file => stateFiles.test(file))) {
    const content = fs.readFileSync(path.join(folder, name));
    size += content.length;
    if (size > LARGEST_STATE) return undefined;
    files.push({ name, content });
  }
  const tree = new Map<string, TreeEntry>();
  for (const { name, content } of files) {
    const hash = [...durable, 'hash-object', '-w', '--no-filters', '--stdin'];
    tree.set(name, { mode: '100644', object: (await git.text(hash, { input: content })).trim() });
  }
  return commitTree(git, await writeTree(git, tree), await commitsIn(git, files), 'state');
}

/** Commits that the files name by their whole ids: the rebase's own, those still to be picked. */
async function commitsIn(git: Plumbing, files: readonly { content: Buffer }[]): Promise<string[]> {
  const ids = new Set(
    files.flatMap(
      ({ content }) => content.toString('latin1').match(/\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b/g) ?? [],
    ),
  );
  if (ids.size === 0) return [];
  const input = [...ids].map(id => `${id}\n`).join('');
  const answers = await git.text(['cat-file', '--batch-check'], { input });
  return answers
    .split('\n')
    .flatMap(line => (line.split(' ')[1] === 'commit' ? [line.split(' ')[0] ?? ''] : []));
}

function listFiles(root: string, relative: string): string[] {
  return fs.readdirSync(path.join(root, relative), { withFileTypes: true }).flatMap(entry => {
    const name = relative === '' ? entry.name : `${relative}/${entry.name}`;
    if (entry.isDirectory() && /^(rebase-merge|rebase-apply|sequencer)\b/.test(name))
      return listFiles(root, name);
    return entry.isFile() ? [name] : [];
  });
}

/** Puts the state back into the metadata of a new worktree. Only names that belong there are taken. */
export async function restoreState(git: Plumbing, metadata: string, state: string): Promise<void> {
  if ((await findObject(git, `${state}^{tree}`)) === undefined) return;
  for (const [name, { mode, object }] of await listTree(git, state)) {
    if (
      mode !== '100644' ||
      !stateFiles.test(name) ||
      name.split('/').some(part => part === '' || part.startsWith('.'))
    )
      continue;
    const file = path.join(metadata, name);
    makePrivateFolder(path.dirname(file));
    fs.writeFileSync(file, await git.bytes(['cat-file', 'blob', object]), { flag: 'wx', mode: 0o644 });
  }
}

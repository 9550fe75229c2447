import type { Look } from './look.ts';
import { findObject, type Plumbing } from './plumbing.ts';
import { readMessage } from './snapshot-message.ts';
import { listStoredTree, listTree } from './tree-objects.ts';
import { readWorkingTree, type FileTree } from './working-tree.ts';

/**
 * Whether the worktree holds anything that a snapshot has not: a file, a change of the index, a commit. What the snapshot has
 * besides does not count.
 * @param snapshot '' for none: HEAD is compared with
 */
export async function hasUnsaved(look: Look, snapshot: string): Promise<boolean> {
  const { git } = look;
  if (git === undefined) return true;
  if (snapshot === '' && look.unreachable.length + look.unfinished.length + look.nested.length > 0)
    return true;
  const { files } = await readWorkingTree(look, { forSnapshot: snapshot !== '' });
  const base = snapshot === '' ? 'HEAD' : snapshot;
  if ((await findObject(git, `${base}^{tree}`)) === undefined) return files.size > 0;
  const known = snapshot === '' ? await listTree(git, base) : await listStoredTree(git, snapshot);
  if (addsTo(known, files) || (await addsToIndex(git, look, snapshot))) return true;
  return snapshot !== '' && (await addsCommits(git, look, snapshot));
}

function addsTo(known: FileTree, files: FileTree): boolean {
  for (const [file, { mode, object }] of files) {
    const there = known.get(file);
    if (there?.mode !== mode || there.object !== object) return true;
  }
  return false;
}

async function addsToIndex(git: Plumbing, { changes }: Look, snapshot: string): Promise<boolean> {
  const index = snapshot === '' ? 'HEAD' : (await readMessage(git, snapshot))?.index;
  if (changes === undefined || index === undefined || index === null) return false;
  const known = snapshot === '' ? await listTree(git, index) : await listStoredTree(git, index);
  const intended = new Set(changes.intentToAdd);
  const entries = changes.index.filter(e => e.stage === '0' && !intended.has(e.path));
  return addsTo(known, new Map(entries.map(({ path, mode, object }) => [path, { mode, object }])));
}

async function addsCommits(git: Plumbing, { unreachable }: Look, snapshot: string): Promise<boolean> {
  if (unreachable.length === 0) return false;
  const input = [...unreachable.map(tip => tip.commit), `^${snapshot}`, ''].join('\n');
  return (await git.text(['rev-list', '--max-count=1', '--stdin'], { input })).trim() !== '';
}

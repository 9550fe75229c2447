import { HeadjackError } from '../errors.ts';
import { printable } from '../core/printable.ts';
import { pathText } from './byte-path.ts';
import { decodePath, encodePath } from './encoded-path.ts';
import { durable, splitNul, type Plumbing } from './plumbing.ts';
import { fillIndex, withPrivateIndex } from './tree-changes.ts';
import type { FileTree, TreeEntry } from './working-tree.ts';

/** The files of a commit or tree, by the names that it has for them. */
export async function listTree(git: Plumbing, name: string): Promise<FileTree> {
  const files = new Map<string, TreeEntry>();
  for (const line of splitNul(await git.text(['ls-tree', '-r', '-z', '--full-tree', name]))) {
    const tab = line.indexOf('\t');
    const [mode = '', , object = ''] = line.slice(0, tab).split(' ');
    files.set(line.slice(tab + 1), { mode, object });
  }
  return files;
}

/** The files of a tree that `writeTree` made, by their own names. */
export async function listStoredTree(git: Plumbing, name: string): Promise<FileTree> {
  const listed = await listTree(git, name);
  return new Map([...listed].map(([file, entry]) => [decodePath(file) ?? file, entry]));
}

/**
 * Writes the tree object of the files, whose objects are there already; names that git refuses are encoded.
 * @throws HeadjackError unsafe where git left one out
 */
export async function writeTree(git: Plumbing, files: FileTree): Promise<string> {
  const encoded = new Map([...files].map(([file, entry]) => [encodePath(file, entry.mode), entry]));
  const entries = [...encoded].map(([path, { mode, object }]) => ({ mode, object, stage: '0', path }));
  const tree = await withPrivateIndex(async env => {
    await fillIndex(git, env, entries);
    return (await git.text([...durable, 'write-tree', '--missing-ok'], { env })).trim();
  });
  const written = await listTree(git, tree);
  for (const [file, { mode, object }] of encoded) {
    const there = written.get(file);
    if (there?.mode !== mode || there.object !== object)
      throw new HeadjackError('unsafe', `${printable(pathText(file))} cannot be stored: git leaves it out`, {
        hint: 'rename it, or move it elsewhere; nothing was deleted',
      });
  }
  return tree;
}

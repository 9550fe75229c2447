import crypto from 'node:crypto';
import fs from 'node:fs';
import { HeadjackError } from '../errors.ts';
import type { Look } from './look.ts';
import type { NestedRepository } from './nested.ts';
import { durable, findObject, splitNul, type Plumbing } from './plumbing.ts';
import { bytePath, fillIndex, lstatIn, withPrivateIndex } from './tree-changes.ts';

/** One file of a tree. */
export interface TreeEntry {
  /** `100644`, `100755`, `120000` or, for a submodule, `160000`. */
  readonly mode: string;
  readonly object: string;
}

/** What is in a folder: latin1 path → entry. */
export type FileTree = ReadonlyMap<string, TreeEntry>;

/** The working tree as it is, byte for byte, and which of its files are not what the index says. Nothing is written. */
export interface WorkingTree {
  readonly files: FileTree;
  /** Files whose objects git may not have. */
  readonly touched: readonly string[];
}

const CHUNK = 1 << 20;

/**
 * Reads the folder. Files that are as the index says stand with the index's object; of all others the raw bytes count, without
 * filters or line endings: what comes back is what was there.
 */
export function readWorkingTree(look: Look, at: string): WorkingTree {
  const { changes } = look;
  if (changes === undefined) return { files: new Map(), touched: [] };
  const files = new Map<string, TreeEntry>();
  for (const { stage, path, mode, object } of changes.index)
    if (stage === '0') files.set(path, { mode, object });
  const algorithm = (look.head ?? changes.index[0]?.object ?? '').length === 64 ? 'sha256' : 'sha1';
  const touched: string[] = [];
  for (const nested of look.nested) files.delete(nested.path);
  const candidates = new Set([
    ...changes.unstaged,
    ...changes.untracked,
    ...changes.conflicted,
    ...changes.intentToAdd,
    ...changes.ignored,
    ...look.nested.flatMap(filesOf),
  ]);
  for (const file of candidates) {
    const stat = lstatIn(at, file);
    // FIFOs, sockets and devices are neither work nor stored
    if (stat?.isFile() !== true && stat?.isSymbolicLink() !== true) {
      files.delete(file);
      continue;
    }
    const mode = stat.isSymbolicLink() ? '120000' : (stat.mode & 0o100) !== 0 ? '100755' : '100644';
    files.set(file, { mode, object: hashFile(bytePath(at, file), stat, algorithm) });
    touched.push(file);
  }
  return { files, touched };
}

/** Tracked and untracked files of a nested repository, as paths of the outer tree. */
function filesOf(nested: NestedRepository): string[] {
  const { index, untracked } = nested.changes;
  const files = [...index.filter(entry => entry.mode !== '160000').map(entry => entry.path), ...untracked];
  return [...new Set(files)].map(file => `${nested.path}/${file}`);
}

/** The name that git gives the content. */
function hashFile(file: Buffer, stat: fs.Stats, algorithm: 'sha1' | 'sha256'): string {
  const hash = crypto.createHash(algorithm);
  if (stat.isSymbolicLink()) {
    const target = fs.readlinkSync(file, 'buffer');
    return hash
      .update(`blob ${String(target.length)}\0`)
      .update(target)
      .digest('hex');
  }
  hash.update(`blob ${String(stat.size)}\0`);
  for (const chunk of readChunks(file, stat.size)) hash.update(chunk);
  return hash.digest('hex');
}

/** Exactly `size` bytes of a file. @throws HeadjackError busy where it shrank meanwhile */
export function* readChunks(file: Buffer, size: number): Generator<Buffer> {
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  try {
    for (let done = 0; done < size;) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK, size - done));
      const read = fs.readSync(fd, chunk, 0, chunk.length, null);
      if (read === 0)
        throw new HeadjackError('busy', `${file.toString()} changed while it was stored`, {
          hint: 'end what writes there, then try again',
        });
      done += read;
      yield chunk.subarray(0, read);
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** The files of a commit or tree. */
export async function listTree(git: Plumbing, name: string): Promise<FileTree> {
  const files = new Map<string, TreeEntry>();
  for (const line of splitNul(await git.text(['ls-tree', '-r', '-z', '--full-tree', name]))) {
    const tab = line.indexOf('\t');
    const [mode = '', , object = ''] = line.slice(0, tab).split(' ');
    files.set(line.slice(tab + 1), { mode, object });
  }
  return files;
}

/** Writes the tree object of the files, whose objects are there already. */
export async function writeTree(git: Plumbing, files: FileTree): Promise<string> {
  const entries = [...files].map(([path, { mode, object }]) => ({ mode, object, stage: '0', path }));
  return withPrivateIndex(async env => {
    await fillIndex(git, env, entries);
    return (await git.text([...durable, 'write-tree', '--missing-ok'], { env })).trim();
  });
}

/** Whether the folder holds a file that `base` (a commit; HEAD where empty) has not alike. Missing ones do not count. */
export async function addsTo(look: Look, base: string, tree: FileTree): Promise<boolean> {
  const { git } = look;
  if (git === undefined) return true;
  const from = base === '' ? 'HEAD' : base;
  if ((await findObject(git, `${from}^{tree}`)) === undefined) return tree.size > 0;
  const known = await listTree(git, from);
  for (const [file, { mode, object }] of tree) {
    const there = known.get(file);
    if (there?.mode !== mode || there.object !== object) return true;
  }
  return false;
}

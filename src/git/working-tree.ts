import crypto from 'node:crypto';
import fs from 'node:fs';
import { HeadjackError, messageOf } from '../errors.ts';
import { printable } from '../core/printable.ts';
import { bytePath, foldersOf, lstatBytes, pathText } from './byte-path.ts';
import { findConversions } from './converted.ts';
import { isFilledByTool } from './ignored.ts';
import type { Look } from './look.ts';
import { isIgnored } from './tree-changes.ts';
import { listFolder } from './walk.ts';

/** One file of a tree. */
export interface TreeEntry {
  /** `100644`, `100755`, `120000` or, for a submodule, `160000`. */
  readonly mode: string;
  readonly object: string;
}

/** What is in a folder: latin1 path → entry. Below `.git/` is the worktree's own metadata. */
export type FileTree = ReadonlyMap<string, TreeEntry>;

/** The working tree as it is, byte for byte. Nothing is written. */
export interface WorkingTree {
  readonly files: FileTree;
  /** Files whose objects git may not have. */
  readonly touched: readonly string[];
  readonly emptyFolders: readonly string[];
  /** Files whose object a filter turns into what is in the folder. */
  readonly filtered: readonly string[];
}

const CHUNK = 1 << 20;

/**
 * Reads the folder. Files that are as the index says, and come back so, stand with the index's object; of all others the raw bytes
 * count, without filters or line endings: what comes back is what was there.
 * @param options forSnapshot: what a checkout of HEAD would not bring back alike counts too: converted bytes, sparse patterns
 * @throws HeadjackError unsafe where a file cannot be read
 */
export async function readWorkingTree(
  look: Look,
  options: { readonly forSnapshot: boolean },
): Promise<WorkingTree> {
  const { changes, git } = look;
  const files = new Map<string, TreeEntry>();
  for (const { stage, path, mode, object } of changes?.index ?? [])
    if (stage === '0') files.set(path, { mode, object });
  const sample = look.head ?? changes?.index[0]?.object ?? look.branchTip ?? '';
  const algorithm = sample.length === 64 ? 'sha256' : 'sha1';
  const touched: string[] = [];
  const beside = new Set(look.ignoredStored.flatMap(foldersOf));
  const emptyFolders =
    changes === undefined ? [] : look.emptyFolders.filter(folder => isStored(look, folder, beside));
  const candidates = new Set(changes === undefined ? [] : changedFiles(look));
  const present = new Set(look.present);
  const sparse = '.git/info/sparse-checkout';
  if (options.forSnapshot && lstatBytes(diskPath(look, sparse))?.isFile() === true) {
    candidates.add(sparse);
    present.add(sparse);
  }
  for (const nested of look.nested) {
    files.delete(nested.path);
    for (const file of nested.files) candidates.add(file);
    if (nested.gitPath === undefined) continue;
    const inside = listFolder(diskPath(look, nested.gitPath).toString('utf8'));
    for (const file of inside.files) {
      candidates.add(`${nested.gitPath}/${file}`);
      present.add(`${nested.gitPath}/${file}`);
    }
    emptyFolders.push(...inside.emptyFolders.map(folder => `${nested.gitPath ?? ''}/${folder}`));
  }
  const conversions =
    options.forSnapshot && git !== undefined && changes !== undefined
      ? await findConversions(git, look.at, changes)
      : undefined;
  for (const file of conversions?.converted ?? []) candidates.add(file);
  for (const file of candidates) {
    const place = diskPath(look, file);
    // a path may lead through a link that stands where a folder was
    const stat = present.has(file) ? lstatBytes(place) : undefined;
    // FIFOs, sockets and devices are neither work nor stored
    if (stat?.isFile() !== true && stat?.isSymbolicLink() !== true) {
      files.delete(file);
      continue;
    }
    const mode = stat.isSymbolicLink() ? '120000' : (stat.mode & 0o100) !== 0 ? '100755' : '100644';
    files.set(file, { mode, object: hashFile(place, { stat, algorithm, file }) });
    touched.push(file);
  }
  for (const link of changes?.links.keys() ?? [])
    if (touched.some(file => file.startsWith(`${link}/`))) files.delete(link);
  return { files, touched, emptyFolders, filtered: conversions?.filtered ?? [] };
}

function changedFiles({ changes, ignoredStored }: Look): string[] {
  return [
    ...(changes?.unstaged ?? []),
    ...(changes?.untracked ?? []),
    ...(changes?.conflicted ?? []),
    ...(changes?.intentToAdd ?? []),
    ...ignoredStored,
  ];
}

/** Where a file of the tree is on the disk. */
export function diskPath(look: Pick<Look, 'at' | 'metadata'>, file: string): Buffer {
  return file.startsWith('.git/') && look.metadata !== undefined
    ? bytePath(look.metadata.folder, file.slice('.git/'.length))
    : bytePath(look.at, file);
}

/**
 * Whether an empty folder comes back: not in a submodule that is fetched again, and in what git ignores only beside files that do: a
 * bare repository is none without its empty folders.
 * @param beside folders of ignored files that are stored
 */
function isStored({ changes, nested }: Look, folder: string, beside: ReadonlySet<string>): boolean {
  const around = nested.findLast(one => one.hasFolder && folder.startsWith(`${one.path}/`));
  if (around !== undefined)
    return (
      around.changes === undefined || !isIgnored(around.changes, `${folder.slice(around.path.length + 1)}/`)
    );
  if (changes === undefined) return false;
  if (isIgnored(changes, `${folder}/`))
    return !isFilledByTool(`${folder}/`) && foldersOf(folder).some(parent => beside.has(parent));
  return ![...changes.links.keys()].some(link => folder.startsWith(`${link}/`));
}

/** The name that git gives the content. */
function hashFile(
  place: Buffer,
  of: { readonly stat: fs.Stats; readonly algorithm: 'sha1' | 'sha256'; readonly file: string },
): string {
  const { stat } = of;
  const hash = crypto.createHash(of.algorithm);
  if (stat.isSymbolicLink()) {
    const target = fs.readlinkSync(place, 'buffer');
    return hash
      .update(`blob ${String(target.length)}\0`)
      .update(target)
      .digest('hex');
  }
  hash.update(`blob ${String(stat.size)}\0`);
  try {
    for (const chunk of readChunks(place, stat.size)) hash.update(chunk);
  } catch (error) {
    if (error instanceof HeadjackError) throw error;
    throw new HeadjackError(
      'unsafe',
      `${printable(pathText(of.file))} cannot be stored: ${messageOf(error)}`,
      {
        hint: 'make it readable, or remove it; nothing was deleted',
        cause: error,
      },
    );
  }
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
        throw new HeadjackError('busy', `${printable(file.toString())} changed while it was stored`, {
          hint: 'end what writes there, then try again',
        });
      done += read;
      yield chunk.subarray(0, read);
    }
  } finally {
    fs.closeSync(fd);
  }
}

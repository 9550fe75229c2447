import fs from 'node:fs';
import { bytePath, pathText } from './byte-path.ts';
import { isGitDir, namedGitDir } from './git-dir.ts';
import { judgeFile, type StrangeFile } from './strange-files.ts';

/** What is in a worktree, whatever git thinks of it. Paths are latin1 text (one char a byte), relative to it. */
export interface WalkedTree {
  /** Files and links by the repository that they are in: '' is the worktree, else the folder of a nested one. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  /** Folders in which nothing is that can be stored. */
  readonly emptyFolders: readonly string[];
  /** Folders with a `.git` that is a repository or names one, outermost first. */
  readonly nested: readonly string[];
  /** Folders that are git directories by another name than `.git`. */
  readonly bare: readonly string[];
  /** Mount points inside. */
  readonly mounts: readonly string[];
  /** Folders that cannot be read. */
  readonly unreadable: readonly string[];
  /** Files that git reads by their names, of a kind or size that would keep it for ever. */
  readonly strange: readonly StrangeFile[];
}

/** Git reads them wherever they are. */
const readByName = new Set(['.gitignore', '.gitattributes', '.gitmodules', '.mailmap']);

/** Of a worktree whose folder is gone. */
export const nothing: WalkedTree = {
  files: new Map(),
  emptyFolders: [],
  nested: [],
  bare: [],
  mounts: [],
  unreadable: [],
  strange: [],
};

/** Walks without following links. The `.git` of the root and those of nested repositories are left out. */
export function walkTree(root: string): WalkedTree {
  const mounted = mountPoints(root);
  const files = new Map<string, string[]>();
  const emptyFolders: string[] = [];
  const nested: string[] = [];
  const bare: string[] = [];
  const mounts = new Set<string>();
  const unreadable: string[] = [];
  const strange: StrangeFile[] = [];
  const device = fs.lstatSync(root).dev;
  const visit = (relative: string, repository: string): void => {
    let entries: fs.Dirent[];
    try {
      entries = listEntries(root, relative);
    } catch {
      unreadable.push(relative);
      return;
    }
    const dotGit = relative !== '' && entries.some(entry => entry.name === '.git');
    const isRepository = dotGit && namedGitDir(bytePath(root, `${relative}/.git`)) !== undefined;
    if (isRepository) nested.push(relative);
    else if (relative !== '' && isGitDir(bytePath(root, relative))) bare.push(relative);
    const owner = isRepository ? relative : repository;
    const own = files.get(owner) ?? [];
    files.set(owner, own);
    let kept = 0;
    for (const entry of entries) {
      const child = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (
        (readByName.has(entry.name) || (entry.name === '.git' && relative !== '')) &&
        !entry.isDirectory()
      ) {
        const found = judgeFile(`${root}/${pathText(child)}`);
        if (found !== undefined) strange.push(found);
      }
      if (entry.name === '.git' && (relative === '' || (isRepository && entry.isDirectory()))) {
        kept++;
      } else if (mounted.has(child) || isOtherDevice(root, child, { entry, device })) {
        mounts.add(child);
      } else if (entry.isDirectory()) {
        kept++;
        visit(child, owner);
      } else if (entry.isFile() || entry.isSymbolicLink()) {
        kept++;
        own.push(child);
      }
    }
    if (kept === 0 && relative !== '') emptyFolders.push(relative);
  };
  visit('', '');
  for (const mount of mounted) mounts.add(mount);
  return { files, emptyFolders, nested, bare, mounts: [...mounts], unreadable, strange };
}

/** Everything below a folder: files and links, and the folders in which there is nothing. @throws where one cannot be read */
export function listFolder(root: string): { files: string[]; emptyFolders: string[] } {
  const files: string[] = [];
  const emptyFolders: string[] = [];
  const visit = (relative: string): void => {
    let kept = 0;
    for (const entry of listEntries(root, relative)) {
      const child = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) visit(child);
      else if (entry.isFile() || entry.isSymbolicLink()) files.push(child);
      else continue;
      kept++;
    }
    if (kept === 0 && relative !== '') emptyFolders.push(relative);
  };
  visit('');
  return { files, emptyFolders };
}

function listEntries(root: string, relative: string): fs.Dirent[] {
  const folder = relative === '' ? root : bytePath(root, relative);
  return fs.readdirSync(folder, { withFileTypes: true, encoding: 'latin1' });
}

/** Where the kernel has no list of mounts (macOS) a folder of another device is one. */
function isOtherDevice(
  root: string,
  child: string,
  of: { readonly entry: fs.Dirent; readonly device: number },
): boolean {
  return (
    process.platform !== 'linux' &&
    of.entry.isDirectory() &&
    fs.lstatSync(bytePath(root, child)).dev !== of.device
  );
}

/** Mount points below the root, relative, from the kernel's own list. */
function mountPoints(root: string): Set<string> {
  const found = new Set<string>();
  let listing: string;
  try {
    listing = fs.readFileSync('/proc/self/mountinfo', 'latin1');
  } catch {
    return found;
  }
  const prefix = `${Buffer.from(root).toString('latin1')}/`;
  for (const line of listing.split('\n')) {
    const point = line
      .split(' ')[4]
      ?.replaceAll(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    if (point?.startsWith(prefix) === true) found.add(point.slice(prefix.length));
  }
  return found;
}

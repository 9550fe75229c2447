import fs from 'node:fs';
import path from 'node:path';
import { judgeFile, type StrangeFile } from './strange-files.ts';

/** What a walk through a worktree finds that git does not tell. Paths are latin1 text (one char a byte), relative to it. */
export interface WalkedTree {
  /** Folders with a `.git` of their own, outermost first. */
  readonly nested: readonly string[];
  /** Mount points inside. */
  readonly mounts: readonly string[];
  /** Folders that cannot be read. */
  readonly unreadable: readonly string[];
  /** Files that git reads by their names, of a kind or size that would keep it for ever. */
  readonly strange: readonly StrangeFile[];
}

/** Git reads them wherever they are. */
const readByName = new Set(['.gitignore', '.gitattributes', '.gitmodules', '.mailmap']);

/** Walks without following links. */
export function walkTree(root: string): WalkedTree {
  const device = fs.lstatSync(root).dev;
  const mounted = mountPoints(root);
  const nested: string[] = [];
  const mounts: string[] = [];
  const unreadable: string[] = [];
  const strange: StrangeFile[] = [];
  const rootBytes = Buffer.from(root);
  const visit = (relative: string): void => {
    const absolute =
      relative === '' ? rootBytes : Buffer.concat([rootBytes, Buffer.from(`/${relative}`, 'latin1')]);
    let entries: fs.Dirent[];
    try {
      entries = fs.readdirSync(absolute, { withFileTypes: true, encoding: 'latin1' });
    } catch {
      unreadable.push(relative);
      return;
    }
    if (relative !== '' && entries.some(entry => entry.name === '.git')) nested.push(relative);
    for (const entry of entries) {
      const child = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (readByName.has(entry.name) && !entry.isDirectory()) {
        const found = judgeFile(path.join(root, Buffer.from(child, 'latin1').toString('utf8')));
        if (found !== undefined) strange.push(found);
      }
      if (!entry.isDirectory() || entry.name === '.git') continue;
      if (mounted.has(child)) {
        mounts.push(child);
        continue;
      }
      visit(child);
    }
  };
  visit('');
  if (mounted.size === 0 && process.platform !== 'linux') {
    for (const folder of nested)
      if (fs.lstatSync(path.join(root, folder)).dev !== device) mounts.push(folder);
  }
  for (const mount of mounted) if (!mounts.includes(mount)) mounts.push(mount);
  return { nested, mounts, unreadable, strange };
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

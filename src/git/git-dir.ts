import fs from 'node:fs';
import path from 'node:path';
import { lstatBytes } from './byte-path.ts';
import { readUntrusted } from '../process/regular-file.ts';
import { readGitFile } from './git-file.ts';

/** Whether git would take the folder for a git directory: HEAD, objects and refs are there. */
export function isGitDir(folder: Buffer): boolean {
  const has = (name: string): fs.Stats | undefined =>
    lstatBytes(Buffer.concat([folder, Buffer.from(`/${name}`)]));
  const head = has('HEAD');
  if (head === undefined || head.isDirectory()) return false;
  // a linked worktree's metadata has objects and refs in its common directory
  if (has('commondir')?.isFile() === true) return true;
  return has('objects') !== undefined && has('refs') !== undefined;
}

/** The git directory that a `.git` is, as a folder, or names, as a file or link; undefined where it is none. */
export function namedGitDir(dotGit: Buffer): string | undefined {
  const text = dotGit.toString('utf8');
  const stat = lstatBytes(dotGit);
  if (stat?.isDirectory() === true) return isGitDir(dotGit) ? text : undefined;
  try {
    const named =
      stat?.isFile() === true ? readGitFile(text) : stat?.isSymbolicLink() === true ? text : undefined;
    const real = named === undefined ? undefined : fs.realpathSync(named);
    return real !== undefined && isGitDir(Buffer.from(real)) ? real : undefined;
  } catch {
    return undefined; // it leads nowhere, or cannot be read: a file like any other
  }
}

/** Git directories below `<gitDir>/modules`, those in their own modules too, relative to `gitDir`: `modules/sub`. */
export function listModules(gitDir: string): string[] {
  const found: string[] = [];
  const visit = (relative: string): void => {
    const folder = path.join(gitDir, relative);
    if (fs.lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return;
    const isOne = isGitDir(Buffer.from(folder));
    if (isOne) found.push(relative);
    if (isOne) visit(`${relative}/modules`);
    else for (const name of fs.readdirSync(folder)) visit(`${relative}/${name}`);
  };
  visit('modules');
  return found;
}

/** Folders of the linked worktrees that a git directory has, where they still are. */
export function linkedWorktrees(gitDir: string): string[] {
  const base = path.join(gitDir, 'worktrees');
  if (fs.lstatSync(base, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return fs.readdirSync(base).flatMap(name => {
    const dotGit = path.join(base, name, 'gitdir');
    const named = readUntrusted(dotGit)?.trim();
    if (named === undefined) return [];
    const place = path.dirname(path.resolve(path.join(base, name), named));
    return fs.existsSync(place) ? [place] : [];
  });
}

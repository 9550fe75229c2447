import fs from 'node:fs';
import path from 'node:path';
import { listFolder, realPathOf, replaceFile } from '../process/files.ts';
import { readUntrusted } from '../process/regular-file.ts';
import { readGitFile } from './git-file.ts';

/** What `.git` of a folder says, and whether git's own metadata agrees. */
export interface WorktreeMetadata {
  /** `<common dir>/worktrees/<n>`, found by its `gitdir` file. */
  readonly folder: string;
  /** Reason of the lock, '' for one without, undefined where it is not locked. */
  readonly lock: string | undefined;
}

export interface ListedWorktree extends WorktreeMetadata {
  /** Where the worktree is, or was. */
  readonly path: string;
}

/** All linked worktrees that the common dir knows, also those whose folder is gone. */
export function listWorktrees(commonDir: string): ListedWorktree[] {
  const base = path.join(commonDir, 'worktrees');
  return listFolder(base).flatMap(name => {
    const folder = path.join(base, name);
    const gitdir = readUntrusted(path.join(folder, 'gitdir'))?.replace(/\n+$/, '');
    if (gitdir === undefined || path.basename(gitdir) !== '.git') return [];
    const place = path.dirname(path.resolve(folder, gitdir));
    return [{ folder, lock: readLock(path.join(folder, 'locked')), path: place }];
  });
}

/** What is there but is no file of a reason locks, too: somebody put it there. */
function readLock(file: string): string | undefined {
  const reason = readUntrusted(file)?.trim();
  if (reason !== undefined || fs.lstatSync(file, { throwIfNoEntry: false }) === undefined) return reason;
  return `${file} is not a regular file`;
}

/**
 * Finds the metadata of the worktree at `worktree` in the common dir. Trusts nothing in the worktree itself, which an agent can
 * write: only the `gitdir` files beside each other, which are mounted read-only.
 */
export function findMetadata(commonDir: string, worktree: string): WorktreeMetadata | undefined {
  const wanted = realPathOf(worktree);
  const found = listWorktrees(commonDir).find(listed => realPathOf(listed.path) === wanted);
  return found === undefined ? undefined : { folder: found.folder, lock: found.lock };
}

/** The metadata that the worktree's own `.git` file names, as a real path; undefined where there is no such file. */
export function namedMetadata(worktree: string): string | undefined {
  const dotGit = path.join(worktree, '.git');
  try {
    if (!fs.lstatSync(dotGit).isFile()) return undefined;
  } catch {
    return undefined;
  }
  const target = readGitFile(dotGit);
  return target === undefined ? undefined : realPathOf(target);
}

export function lockReason(instanceId: string): string {
  return `headjack ${instanceId}`;
}

/** Keeps prune and gc, also those of a container, from dropping the metadata: the file that `git worktree lock` writes. */
export function lockMetadata(metadata: WorktreeMetadata, reason: string): void {
  // whole or not at all: an empty one would be somebody else's
  if (metadata.lock === undefined) replaceFile(path.join(metadata.folder, 'locked'), `${reason}\n`);
}

export function unlockMetadata(metadata: WorktreeMetadata): void {
  fs.rmSync(path.join(metadata.folder, 'locked'), { force: true });
}

/** Removes the `commondir` that leads nowhere, which kept containers from putting one that leads elsewhere. */
export function removeGuard(commonDir: string): void {
  const place = path.join(commonDir, 'commondir');
  if (readUntrusted(place) === '.\n') fs.rmSync(place, { force: true });
}

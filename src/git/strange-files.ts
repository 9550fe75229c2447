import fs from 'node:fs';
import path from 'node:path';
import { isAtOrBelow } from '../core/place.ts';
import { readGitFile } from './git-file.ts';
import { HeadjackError, ignoring } from '../errors.ts';
import { listFolder, realPathOf } from '../process/files.ts';
import { readUntrusted } from '../process/regular-file.ts';

/** A file that no git of ours must meet, and why. */
export interface StrangeFile {
  readonly file: string;
  readonly why: string;
}

/** No file that git reads whole is as large, but for those that grow with the repository. */
const MOST_BYTES = 16 * 1024 ** 2;
const grows = /^(objects\/(?!info\/)|(logs|lfs|modules)\/)|^(index|packed-refs|sharedindex\..*)$/;

/**
 * The first file of a git directory that a git of ours must not meet: a FIFO keeps git waiting for ever, a device
 * or an enormous file takes all memory, a link or a borrowed folder leads to what is not the repository's. `places` are the folders
 * that it may lead to, beside itself.
 */
export function findStrangeFile(gitDir: string, places: readonly string[]): StrangeFile | undefined {
  const allowed = [gitDir, ...places].map(realPathOf);
  const isAllowed = (place: string): boolean => {
    const real = realPathOf(place);
    return allowed.some(folder => isAtOrBelow(real, folder));
  };
  const visit = (relative: string): StrangeFile | undefined => {
    const folder = path.join(gitDir, relative);
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      const name = path.join(relative, entry.name);
      const found = entry.isDirectory() ? visit(name) : judge(name, entry);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const judge = (name: string, entry: fs.Dirent): StrangeFile | undefined => {
    const file = path.join(gitDir, name);
    if (entry.isSymbolicLink() && !isAllowed(file)) return { file, why: 'is a link that leads elsewhere' };
    return judgeFile(file, grows.test(name) ? Infinity : MOST_BYTES);
  };
  return visit('') ?? findBorrowed(gitDir, isAllowed);
}

/** What a link leads to counts. */
export function judgeFile(file: string, most = MOST_BYTES): StrangeFile | undefined {
  // gone, or a link to nothing
  const stat = ignoring(['ENOENT', 'ENOTDIR', 'ELOOP'], () => fs.statSync(file), undefined);
  // a socket (git's own fsmonitor has one) cannot be opened: nobody waits for it
  if (stat === undefined || stat.isDirectory() || stat.isSocket()) return undefined;
  if (!stat.isFile()) return { file, why: 'is not a regular file' };
  return stat.size > most ? { file, why: 'is too large' } : undefined;
}

/** `commondir` and alternates let a repository show as its own what another one holds. */
function findBorrowed(gitDir: string, isAllowed: (place: string) => boolean): StrangeFile | undefined {
  const common = readUntrusted(path.join(gitDir, 'commondir'))?.trim();
  if (common !== undefined && !isAllowed(path.resolve(gitDir, common)))
    return { file: path.join(gitDir, 'commondir'), why: 'names another repository' };
  const objects = path.join(gitDir, 'objects');
  const file = path.join(objects, 'info/alternates');
  const lines = (readUntrusted(file) ?? '').split('\n');
  const foreign = lines.find(
    line => line !== '' && !line.startsWith('#') && !isAllowed(path.resolve(objects, line)),
  );
  return foreign === undefined ? undefined : { file, why: 'names objects elsewhere' };
}

/** The same of a repository inside a worktree, whose `.git` may be a file that names the git directory. */
export function findStrangeRepository(dotGit: string, places: readonly string[]): StrangeFile | undefined {
  const stat = fs.lstatSync(dotGit);
  if (stat.isDirectory()) return findStrangeFile(dotGit, places);
  if (!stat.isFile()) return { file: dotGit, why: 'is neither a folder nor a regular file' };
  const named = readGitFile(dotGit);
  if (named === undefined || !fs.existsSync(named)) return { file: dotGit, why: 'names no git directory' };
  return places.some(place => isAtOrBelow(realPathOf(named), realPathOf(place)))
    ? findStrangeFile(named, places)
    : { file: dotGit, why: 'names a git directory elsewhere' };
}

/** The same of what git reads of all worktrees of a repository, whichever it works on. */
export function findStrangeWorktree(commonDir: string): StrangeFile | undefined {
  const base = path.join(commonDir, 'worktrees');
  for (const name of listFolder(base)) {
    const folder = path.join(base, name);
    const found = fs.lstatSync(folder).isDirectory() ? findStrangeFile(folder, [commonDir]) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** @throws HeadjackError git_failed where there is one, with what to do */
export function refuseStrange(found: StrangeFile | undefined): void {
  if (found === undefined) return;
  throw new HeadjackError('git_failed', `${found.file} ${found.why}: no git can be run on it`, {
    hint: `look at it, and remove it if it is of no use: ls -ld ${found.file}`,
  });
}

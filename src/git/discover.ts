import fs from 'node:fs';
import path from 'node:path';
import { readUntrusted } from '../process/regular-file.ts';
import { readGitFile } from './git-file.ts';
import type { Repository } from '../core/repository.ts';

/**
 * Finds the repository of a folder as git does, by reading `.git` by hand: it costs nothing, where one call of git costs a
 * quarter of a whole `hjk ps`. Linked worktrees lead to their main repository.
 */
export function discoverRepository(start: string): Repository | undefined {
  let folder: string;
  try {
    folder = fs.realpathSync(start);
  } catch {
    return undefined;
  }
  for (;;) {
    const found = repositoryAt(folder);
    if (found !== undefined) return found;
    const parent = path.dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
}

/** The common git directory of the repository that `entry.repo` names, or undefined where it is gone. */
export function commonDirOf(repositoryRoot: string): string | undefined {
  try {
    return repositoryAt(fs.realpathSync(repositoryRoot))?.commonDir;
  } catch {
    return undefined;
  }
}

function repositoryAt(folder: string): Repository | undefined {
  const dotGit = path.join(folder, '.git');
  const gitDir = gitDirOf(dotGit);
  if (gitDir !== undefined) {
    const common = commonDirAt(gitDir);
    return {
      root: common === gitDir ? folder : mainRoot(common),
      commonDir: common,
      bare: common !== gitDir && isBare(common),
    };
  }
  if (!isGitDir(folder)) return undefined;
  const common = commonDirAt(folder);
  return { root: mainRoot(common), commonDir: common, bare: isBare(common) };
}

/** What a `.git` folder or file stands for, as a real path. */
function gitDirOf(dotGit: string): string | undefined {
  let stat: fs.Stats;
  try {
    stat = fs.statSync(dotGit);
  } catch {
    return undefined;
  }
  if (stat.isDirectory()) return isGitDir(dotGit) ? fs.realpathSync(dotGit) : undefined;
  if (!stat.isFile()) return undefined;
  const target = readGitFile(dotGit, { follow: true });
  if (target === undefined) return undefined;
  try {
    return fs.realpathSync(target);
  } catch {
    return undefined;
  }
}

function commonDirAt(gitDir: string): string {
  const common = readUntrusted(path.join(gitDir, 'commondir'))?.trim();
  if (common === undefined || common === '') return gitDir;
  try {
    return fs.realpathSync(path.resolve(gitDir, common));
  } catch {
    return gitDir;
  }
}

function isGitDir(folder: string): boolean {
  const has = (name: string): boolean => fs.existsSync(path.join(folder, name));
  return has('HEAD') && ((has('objects') && has('refs')) || has('commondir'));
}

function isBare(commonDir: string): boolean {
  if (path.basename(commonDir) !== '.git') return true;
  return /^\s*bare\s*=\s*true\s*$/m.test(
    readUntrusted(path.join(commonDir, 'config'), { follow: true }) ?? '',
  );
}

function mainRoot(commonDir: string): string {
  return path.basename(commonDir) === '.git' ? path.dirname(commonDir) : commonDir;
}

import fs from 'node:fs';
import path from 'node:path';
import { isAtOrBelow } from '../core/place.ts';
import { ignoring } from '../errors.ts';
import { realPathOf } from '../process/files.ts';
import { readUntrusted } from '../process/regular-file.ts';

/** A folder of this machine that git in the container needs. */
export interface HostPath {
  /** Where git looks for it. */
  readonly path: string;
  /** Where that leads, every link followed. */
  readonly real: string;
}

/** What the files of a repository name outside of it. */
export interface HostPaths {
  /** Object folders that it borrows from, and those that they borrow from. */
  readonly alternates: readonly HostPath[];
  /** Git directories of remotes that are folders. */
  readonly remotes: readonly HostPath[];
}

/** As git: more levels are refused by it, too. */
const MOST_LEVELS = 5;
const MOST_BYTES = 64 * 1024;

/**
 * What the repository names now. Programs in its containers may have written it: whether it is mounted is not decided here.
 * @param remotes folders that remotes name
 */
export function findHostPaths(commonDir: string, remotes: readonly string[]): HostPaths {
  const gitDirs = remotes.flatMap(remote => {
    const found = gitDirectoryAt(remote);
    return found === undefined || isAtOrBelow(found.real, commonDir) ? [] : [found];
  });
  const own = path.join(commonDir, 'objects');
  const alternates = new Map<string, HostPath>();
  addAlternates(alternates, { path: own, real: realPathOf(own) }, 0);
  for (const { path: place, real } of gitDirs)
    addAlternates(
      alternates,
      { path: path.join(place, 'objects'), real: realPathOf(path.join(real, 'objects')) },
      0,
    );
  return {
    alternates: [...alternates.values()].filter(found => !isAtOrBelow(found.path, own)),
    remotes: gitDirs,
  };
}

/** The git directory that a remote's folder stands for, in git's order. */
function gitDirectoryAt(remote: string): HostPath | undefined {
  const place = [path.join(remote, '.git'), remote, `${remote}.git`].find(
    candidate =>
      fs.existsSync(path.join(candidate, 'HEAD')) && fs.existsSync(path.join(candidate, 'objects')),
  );
  return place === undefined ? undefined : { path: place, real: realPathOf(place) };
}

function addAlternates(found: Map<string, HostPath>, objects: HostPath, level: number): void {
  if (level > MOST_LEVELS) return;
  for (const line of readLines(path.join(objects.real, 'info', 'alternates'))) {
    const real = realPathOf(path.resolve(objects.real, line));
    if (!ignoring(['ENOENT', 'ENOTDIR', 'EACCES'], () => fs.statSync(real).isDirectory(), false)) continue;
    // git follows the links of the folder that it reads the line in, and leaves those of the line itself
    for (const place of new Set([path.resolve(objects.path, line), path.resolve(objects.real, line), real])) {
      if (found.has(place)) continue;
      const alternate = { path: place, real };
      found.set(place, alternate);
      addAlternates(found, alternate, level + 1);
    }
  }
}

/** The file may be anything: it is in a folder that programs inside can write. */
function readLines(file: string): string[] {
  return (readUntrusted(file, { most: MOST_BYTES }) ?? '')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#') && !line.includes('\0'));
}

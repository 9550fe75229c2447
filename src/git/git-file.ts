import path from 'node:path';
import { readIfThere } from '../process/files.ts';

/** The git directory that a `.git` file names, as an absolute path; undefined where it is no such file. Links stay as they are. */
export function readGitFile(dotGit: string): string | undefined {
  const target = /^gitdir: (.+?)\n*$/s.exec(readIfThere(dotGit) ?? '')?.[1];
  return target === undefined ? undefined : path.resolve(path.dirname(dotGit), target);
}

import path from 'node:path';
import { readUntrusted, type ReadRules } from '../process/regular-file.ts';

/** The git directory that a `.git` file names, as an absolute path; undefined where it is no such file. Links stay as they are. */
export function readGitFile(dotGit: string, rules?: ReadRules): string | undefined {
  const target = /^gitdir: (.+?)\n*$/s.exec(readUntrusted(dotGit, rules) ?? '')?.[1];
  return target === undefined ? undefined : path.resolve(path.dirname(dotGit), target);
}

import fs from 'node:fs';
import path from 'node:path';
import { listWorktrees } from '../../git/metadata.ts';
import { readIfThere } from '../../process/regular-file.ts';
import type { HostGit } from './host-git.ts';

/** Branches, tags and remote-tracking branches of the host, without those that name another ref. Names as latin1. */
export async function readHostRefs(git: HostGit): Promise<Map<string, string>> {
  const format = '--format=%(objectname) %(refname) %(symref)';
  const text = await git.text(['for-each-ref', format, 'refs/heads', 'refs/tags', 'refs/remotes']);
  const refs = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [object = '', name = '', symref = ''] = line.split(' ');
    if (name !== '' && symref === '') refs.set(name, object);
  }
  return refs;
}

/** Where another worktree, the main one too, has the branch checked out, or is about to make it. */
export function findOtherCheckout(
  commonDir: string,
  metadata: string | undefined,
  ref: string,
): string | undefined {
  const worktrees = [
    { folder: commonDir, path: path.dirname(commonDir) },
    ...listWorktrees(commonDir).filter(listed => listed.folder !== metadata),
  ];
  return worktrees.find(({ folder }) => headOf(folder) === ref)?.path;
}

/** The ref that HEAD of a git directory of the host names; undefined where it is detached, or there is none. */
export function headOf(gitDir: string): string | undefined {
  const place = path.join(gitDir, 'HEAD');
  if (fs.lstatSync(place, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  return /^ref: (.*)\n?$/.exec(readIfThere(place) ?? '')?.[1];
}

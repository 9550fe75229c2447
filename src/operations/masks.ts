import fs from 'node:fs';
import path from 'node:path';
import type { Repository } from '../core/repository.ts';

/** Files of the repository that lie under a read-only mask in a container, with their inode numbers when it was started. */
export type MaskedFiles = Readonly<Record<string, number>>;

export function noteMasks(repository: Repository): MaskedFiles {
  const noted: Record<string, number> = {};
  for (const name of ['config', 'config.worktree', 'commondir']) {
    const file = path.join(repository.commonDir, name);
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (stat !== undefined) noted[file] = stat.ino;
  }
  return noted;
}

/**
 * Files that somebody put a new one in the place of since the container was started, as `git config` does: the kernel drops the
 * mask with the old file, and the container can write the new one.
 */
export function findLiftedMasks(noted: MaskedFiles | undefined): string[] {
  return Object.entries(noted ?? {})
    .filter(([file, inode]) => fs.statSync(file, { throwIfNoEntry: false })?.ino !== inode)
    .map(([file]) => file);
}

import fs from 'node:fs';
import { realPathOf } from '../process/files.ts';
import { findDoubt, lookAtWorktree, type Look, type WorktreeSubject } from './look.ts';
import {
  findMetadata,
  lockMetadata,
  removeGuard,
  unlockMetadata,
  type WorktreeMetadata,
} from './metadata.ts';
import { deleteFolder, needsSnapshot, storeSnapshot, writeWorkingTree, type Snapshot } from './snapshot.ts';

/** Looking at, storing and deleting worktrees: the git of `rm`. */
export interface WorktreeKeeper {
  look(subject: WorktreeSubject, at?: string): Promise<Look>;
  /** Why the folder cannot be judged at all, if so; a look at a few files. */
  findDoubt(subject: WorktreeSubject): string | undefined;
  needsSnapshot(look: Look): boolean;
  store(subject: WorktreeSubject, look: Look, at?: string): Promise<Snapshot>;
  /** Tree object of the folder's present content. */
  writeTree(look: Look, at: string): Promise<string>;
  /** Whether the tree holds anything that `base` (a commit or tree; HEAD where empty) has not alike. */
  addsTo(look: Look, base: string, tree: string): Promise<boolean>;
  findMetadata(commonDir: string, worktree: string): WorktreeMetadata | undefined;
  /** Locked already: somebody's reason stays. */
  lock(metadata: WorktreeMetadata, reason: string): void;
  unlock(metadata: WorktreeMetadata): void;
  /** Once no container of the repository is left. */
  unguard(commonDir: string): void;
  /** Where a worktree is put while it is deleted. */
  asideOf(worktree: string, instanceId: string): string;
  deleteFolder(folder: string): void;
  /** Whether two paths are the same place. */
  samePlace(a: string, b: string): boolean;
}

export function createWorktreeKeeper(env: NodeJS.ProcessEnv): WorktreeKeeper {
  return {
    look: (subject, at) => lookAtWorktree(subject, env, at),
    findDoubt,
    needsSnapshot,
    store: storeSnapshot,
    writeTree: writeWorkingTree,
    async addsTo(look, base, tree) {
      if (look.git === undefined) return true;
      const from = base === '' ? 'HEAD' : base;
      const result = await look.git.try([
        'diff-tree',
        '-r',
        '--no-renames',
        '--name-only',
        '-z',
        '--diff-filter=d',
        `${from}^{tree}`,
        tree,
      ]);
      return result.code !== 0 || result.stdout.length > 0;
    },
    findMetadata,
    lock: lockMetadata,
    unlock: unlockMetadata,
    unguard: removeGuard,
    asideOf: (worktree, instanceId) => `${worktree}.hjk-removing-${instanceId}`,
    deleteFolder,
    samePlace: (a, b) => a === b || (fs.existsSync(a) && fs.existsSync(b) && realPathOf(a) === realPathOf(b)),
  };
}

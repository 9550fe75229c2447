import fs from 'node:fs';
import { realPathOf } from '../process/files.ts';
import { findDoubt, lookAtWorktree, needsSnapshot, type Look, type WorktreeSubject } from './look.ts';
import {
  findMetadata,
  listWorktrees,
  lockMetadata,
  removeGuard,
  unlockMetadata,
  type ListedWorktree,
  type WorktreeMetadata,
} from './metadata.ts';
import { deleteBranch, type BranchDeletion } from './delete-branch.ts';
import { deleteFolder } from './delete-folder.ts';
import { findLeftLock } from './append-config.ts';
import { findBases, findMerged, type MergedHow } from './merged.ts';
import { createPlumbing, findObject, type Plumbing } from './plumbing.ts';
import { moveToNewName, refuseUnfinished, type BranchRenaming } from './rename-branch.ts';
import { restoreSnapshot } from './restore.ts';
import { planRestore, type RestorePlan } from './restore-plan.ts';
import { storeSnapshot, type Snapshot } from './snapshot.ts';
import { dropSnapshot, listSnapshots, type StoredSnapshot } from './snapshot-list.ts';
import { hasUnsaved } from './unsaved.ts';

/** Looking at, storing and deleting worktrees: the git of `rm`. */
export interface WorktreeKeeper {
  look(subject: WorktreeSubject, at?: string): Promise<Look>;
  /** Why the folder cannot be judged at all, if so; a look at a few files. */
  findDoubt(subject: WorktreeSubject): string | undefined;
  needsSnapshot(look: Look): boolean;
  /** @param base a snapshot of the same removal: what is in it stays in the new one */
  store(subject: WorktreeSubject, look: Look, base?: string): Promise<Snapshot>;
  /** Whether what was looked at holds anything that a snapshot (HEAD where empty) has not. */
  hasUnsaved(look: Look, snapshot: string): Promise<boolean>;
  /** Snapshots of a repository, the newest first. */
  listSnapshots(commonDir: string): Promise<StoredSnapshot[]>;
  /** Where a snapshot's HEAD can go, or why it cannot. */
  planRestore(commonDir: string, snapshot: StoredSnapshot, as: string | undefined): Promise<RestorePlan>;
  /** Brings a snapshot back into a worktree that was made without a checkout. */
  restore(
    metadata: WorktreeMetadata,
    worktree: string,
    snapshot: StoredSnapshot,
    plan: RestorePlan,
  ): Promise<void>;
  /** Names of all branches. */
  listBranches(commonDir: string): Promise<ReadonlySet<string>>;
  /** Whether a branch is in one of those that work is merged into. */
  findMerged(commonDir: string, branch: string): Promise<{ how: MergedHow; into: string } | undefined>;
  /** Deletes a snapshot if it still is the one that was read. */
  dropSnapshot(commonDir: string, snapshot: StoredSnapshot): Promise<boolean>;
  /** All worktrees that git's metadata knows, also those whose folder is gone. */
  listWorktrees(commonDir: string): ListedWorktree[];
  findMetadata(commonDir: string, worktree: string): WorktreeMetadata | undefined;
  /** Locked already: somebody's reason stays. */
  lock(metadata: WorktreeMetadata, reason: string): void;
  unlock(metadata: WorktreeMetadata): void;
  /** Makes the new name of a branch and lets HEAD of the worktree name it; the old one stays. @throws HeadjackError busy */
  moveToNewName(renaming: BranchRenaming): Promise<void>;
  /** @throws HeadjackError busy where something is under way that would end on the old name */
  refuseUnfinished(renaming: BranchRenaming): void;
  /** The lock on the configuration that a killed process of ours left. */
  findLeftLock(commonDir: string): string | undefined;
  /** Removes the lock that a killed git left on its own index. */
  clearIndexLock(metadata: WorktreeMetadata): void;
  /**
   * Deletes a branch that is at `tip`, if something that stays holds its commits. No hook runs.
   * @param options keepConfig leaves its section of the configuration: to remove it lifts the masks of running containers
   */
  deleteBranch(
    commonDir: string,
    branch: { readonly name: string; readonly tip: string },
    options: { readonly keepConfig: boolean },
  ): Promise<BranchDeletion>;
  /** Once no container of the repository is left. */
  unguard(commonDir: string): void;
  /** Where a worktree is put while it is compared for the last time, and then while it is deleted. */
  asideOf(worktree: string, instanceId: string): string;
  trashOf(worktree: string, instanceId: string): string;
  deleteFolder(folder: string): void;
  /** Whether two paths are the same place. */
  samePlace(a: string, b: string): boolean;
}

export function createWorktreeKeeper(env: NodeJS.ProcessEnv): WorktreeKeeper {
  const open = (commonDir: string): Promise<Plumbing> => createPlumbing({ gitDir: commonDir }, env);
  return {
    look: (subject, at) => lookAtWorktree(subject, env, at),
    findDoubt,
    needsSnapshot,
    store: storeSnapshot,
    hasUnsaved,
    findMetadata,
    listWorktrees,
    listSnapshots: async commonDir => listSnapshots(await open(commonDir)),
    planRestore: async (commonDir, snapshot, as) => planRestore(await open(commonDir), snapshot, as),
    restore: async (metadata, worktree, snapshot, plan) =>
      restoreSnapshot(
        await createPlumbing({ gitDir: metadata.folder, workTree: worktree }, env),
        { metadata: metadata.folder, worktree },
        snapshot,
        plan,
      ),
    async listBranches(commonDir) {
      const listing = await (
        await open(commonDir)
      ).text(['for-each-ref', '--format=%(refname)', 'refs/heads']);
      const names = listing.split('\n').map(ref => ref.slice('refs/heads/'.length));
      return new Set(names.map(name => Buffer.from(name, 'latin1').toString('utf8')));
    },
    async findMerged(commonDir, branch) {
      const git = await open(commonDir);
      const tip = await findObject(git, `refs/heads/${branch}^{commit}`);
      return tip === undefined ? undefined : findMerged(git, tip, await findBases(git, branch));
    },
    dropSnapshot: async (commonDir, snapshot) => dropSnapshot(await open(commonDir), snapshot),
    lock: lockMetadata,
    unlock: unlockMetadata,
    moveToNewName: async renaming => moveToNewName(await open(renaming.commonDir), renaming),
    refuseUnfinished,
    findLeftLock,
    clearIndexLock: metadata => {
      fs.rmSync(`${metadata.folder}/index.lock`, { force: true });
    },
    async deleteBranch(commonDir, { name, tip }, { keepConfig }) {
      const git = await open(commonDir);
      const done = await deleteBranch(git, commonDir, { name, tip });
      if (done === 'deleted' && !keepConfig) await git.try(['config', '--remove-section', `branch.${name}`]);
      return done;
    },
    unguard: removeGuard,
    asideOf: (worktree, instanceId) => `${worktree}.hjk-removing-${instanceId}`,
    trashOf: (worktree, instanceId) => `${worktree}.hjk-deleting-${instanceId}`,
    deleteFolder,
    samePlace: (a, b) => a === b || (fs.existsSync(a) && fs.existsSync(b) && realPathOf(a) === realPathOf(b)),
  };
}

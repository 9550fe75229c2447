import fs from 'node:fs';
import path from 'node:path';
import type { InstanceEntry } from '../catalog/types.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import { lockReason } from '../git/metadata.ts';
import type { BranchOrigin } from '../git/port.ts';
import { makePrivateFolder } from '../process/files.ts';
import { deleteUntouched } from './delete-untouched.ts';
import { throwIfInterrupted, type Claim } from './operation.ts';
import type { RepositoryGit, Services } from './services.ts';

/** What was made by this very attempt: what a failure has to undo. */
export interface Made {
  worktree: boolean;
  /** Where HEAD of the new worktree is. */
  head: string | undefined;
  /** Set where the branch was made, too. */
  branchTip: string | undefined;
  /** Names of sessions that had ended with the container, unnoticed: a reboot, an engine that was killed. */
  endedSessions: readonly string[];
}

/**
 * The worktree of an instance: there already, left half-made by a killed process, or to be made.
 * @throws HeadjackError path_in_the_way, unsafe, branch_in_use
 */
export async function ensureWorktree(
  services: Services,
  held: Claim,
  at: {
    repository: Repository;
    git: RepositoryGit;
    from: string | undefined;
    origin: BranchOrigin | undefined;
  },
  made: Made,
): Promise<void> {
  const { entry } = held;
  const { repository, git } = at;
  const keeper = await services.keeper(held.operation.id);
  const metadata = keeper.findMetadata(repository.commonDir, entry.worktree);
  const present = fs.existsSync(path.join(entry.worktree, '.git'));
  // a restored instance has no container either, but is `stopped`: its tree is whole
  const neverRan = entry.container_id === '' && entry.status !== 'stopped';
  if (metadata !== undefined && present && !(neverRan && held.takenFrom !== undefined)) {
    keeper.lock(metadata, lockReason(entry.id));
    return;
  }
  if (!neverRan) throw worktreeGone(entry);
  services.progress.phase('worktree');
  if (metadata !== undefined) await removeHalfMade(services, held, repository);
  else refuseStranger(entry);
  const origin =
    at.origin ??
    (await git.planBranch(
      entry.branch,
      (await git.findCommit(`refs/heads/${entry.branch}`)) === undefined ? at.from : undefined,
    ));
  throwIfInterrupted(services);
  makePrivateFolder(path.dirname(entry.worktree));
  made.worktree = true;
  try {
    await git.addWorktree(entry.worktree, entry.branch, origin);
  } catch (error) {
    await git.requireNotCheckedOut(entry.branch, entry.worktree); // says it better
    throw error;
  }
  made.head = origin.commit;
  if (origin.kind !== 'local') made.branchTip = origin.commit;
  const added = keeper.findMetadata(repository.commonDir, entry.worktree);
  if (added !== undefined) keeper.lock(added, lockReason(entry.id));
}

/** A killed `git worktree add` leaves a tree that differs from its commit by missing files only: that is made again. */
export async function removeHalfMade(services: Services, held: Claim, repository: Repository): Promise<void> {
  const { entry } = held;
  const keeper = await services.keeper(held.operation.id);
  const metadata = keeper.findMetadata(repository.commonDir, entry.worktree);
  // it protects nothing any more: its program was waited for
  if (metadata !== undefined) keeper.clearIndexLock(metadata);
  try {
    await deleteUntouched(services, held, repository, async (look, at) => {
      const bare = !fs.existsSync(path.join(at, '.git')) && isEmptyOrGone(at);
      if (look.changes === undefined && bare) return true;
      if (look.unknown || look.unreachable.length > 0 || look.nested.length > 0) return false;
      return !(await keeper.hasUnsaved(look, ''));
    });
  } catch (error) {
    if (!(error instanceof HeadjackError) || error.code !== 'unsafe') throw error;
    throw new HeadjackError('unsafe', `the half-made worktree ${entry.worktree} holds work`, {
      details: error.details,
      hint: `hjk rm ${entry.branch}`,
    });
  }
}

function isEmptyOrGone(folder: string): boolean {
  return !fs.existsSync(folder) || fs.readdirSync(folder).length === 0;
}

/** @throws HeadjackError path_in_the_way */
export function refuseStranger(entry: Pick<InstanceEntry, 'worktree' | 'branch'>): void {
  const stat = fs.lstatSync(entry.worktree, { throwIfNoEntry: false });
  if (stat === undefined || (stat.isDirectory() && fs.readdirSync(entry.worktree).length === 0)) return;
  throw new HeadjackError(
    'path_in_the_way',
    `${entry.worktree} is in the way of the worktree for branch "${entry.branch}"`,
    {
      hint: `move it away: mv ${entry.worktree} ${entry.worktree}.old`,
    },
  );
}

export function worktreeGone(entry: InstanceEntry): HeadjackError {
  return new HeadjackError(
    'path_in_the_way',
    `the worktree ${entry.worktree} of branch "${entry.branch}" is gone, or no longer one of this repository`,
    {
      hint: `hjk rm ${entry.branch}, then hjk run ${entry.branch}`,
    },
  );
}

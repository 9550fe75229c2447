import type { InstanceEntry } from '../catalog/types.ts';
import { isValidBranch } from '../core/branch.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import { lockReason } from '../git/metadata.ts';
import type { RestorePlan } from '../git/restore-plan.ts';
import type { StoredSnapshot } from '../git/snapshot-list.ts';
import { makePrivateFolder } from '../process/files.ts';
import path from 'node:path';
import { deleteUntouched } from './delete-untouched.ts';
import { refuseStranger } from './ensure-worktree.ts';
import { findInstance, requireRepository } from './find-instance.ts';
import { newEntry, worktreesFolder } from './new-instance.ts';
import {
  claimOrRefuse,
  dropEntry,
  newOperation,
  refuseBusy,
  release,
  throwIfInterrupted,
  type Claim,
} from './operation.ts';
import type { Services } from './services.ts';

export interface RestoreOptions {
  /** A branch, or a snapshot's id. */
  readonly what: string;
  /** Name of the branch that it comes back as. */
  readonly as: string | undefined;
}

/** The snapshots of the repository, the newest first. */
export async function listSnapshots(services: Services): Promise<StoredSnapshot[]> {
  const repository = requireRepository(services);
  return (await services.keeper()).listSnapshots(repository.commonDir);
}

/**
 * Brings a snapshot back as an instance of its branch: worktree, index, HEAD and state as they were; no container yet, `run`
 * makes one. The snapshot stays. Order: entry → branch, worktree, files → entry `stopped`. A failure removes what was made.
 * @throws HeadjackError snapshot_not_found, instance_exists, branch_moved, branch_in_use, path_in_the_way
 */
export async function restoreInstance(
  services: Services,
  options: RestoreOptions,
): Promise<{ entry: InstanceEntry; snapshot: StoredSnapshot }> {
  const repository = requireRepository(services);
  if (options.as !== undefined && !isValidBranch(options.as))
    throw new HeadjackError(
      'branch_invalid',
      `${JSON.stringify(options.as)} is no branch name that git accepts`,
      {
        hint: 'git check-ref-format --branch <name> shows the rules',
      },
    );
  const keeper = await services.keeper();
  const snapshots = await keeper.listSnapshots(repository.commonDir);
  const snapshot = chooseSnapshot(snapshots, options.what);
  const branch = options.as ?? snapshot.message.branch;
  const plan = await keeper.planRestore(repository.commonDir, snapshot, options.as);
  services.progress.phase('restoring');
  const held = await claimRestore(services, repository, { branch, snapshot });
  try {
    await fillWorktree(services, held, repository, { snapshot, plan });
    const entry = await release(services, held, found => {
      found.status = 'stopped';
    });
    services.progress.done();
    return { entry, snapshot };
  } catch (error) {
    if (!(error instanceof HeadjackError && error.code === 'operation_lost'))
      await undoRestore(services, held, repository, snapshot);
    throw error;
  }
}

/** @throws HeadjackError snapshot_not_found */
function chooseSnapshot(snapshots: readonly StoredSnapshot[], what: string): StoredSnapshot {
  const found =
    snapshots.find(s => s.id === what) ??
    snapshots.find(s => s.message.branch === what) ??
    snapshots.find(s => s.message.instance === what);
  if (found !== undefined) return found;
  throw new HeadjackError('snapshot_not_found', `no snapshot of "${what}" is stored in this repository`, {
    hint: 'hjk restore --list',
  });
}

/** Commits the entry; one that a killed restore left is taken over, its half-filled tree removed. */
async function claimRestore(
  services: Services,
  repository: Repository,
  want: { branch: string; snapshot: StoredSnapshot },
): Promise<Claim> {
  const operation = { ...newOperation(services, 'restore'), snapshot: want.snapshot.id };
  const places = worktreesFolder(services);
  const of = { id: services.randomHex(4), repository, branch: want.branch, places, now: services.now() };
  const existing = await services.catalog.update(draft => {
    const found = findInstance(draft, repository, want.branch);
    if (found !== undefined) return structuredClone(found);
    draft.entries.push({ ...newEntry(draft, of), operation });
    return undefined;
  });
  if (existing === undefined) {
    const entry = await services.catalog.read(catalog =>
      structuredClone(catalog.entries.find(e => e.id === of.id)),
    );
    if (entry === undefined)
      throw new HeadjackError('operation_lost', `another hjk removed branch "${want.branch}"`);
    return { entry, operation, takenFrom: undefined };
  }
  const left = existing.operation;
  refuseBusy(existing);
  if (left?.kind !== 'restore')
    throw new HeadjackError('instance_exists', `branch "${want.branch}" has an instance already`, {
      hint: `hjk rm ${want.branch} first, or restore under another name: hjk restore ${want.snapshot.id} --as <branch>`,
    });
  const held = await claimOrRefuse(services, existing, 'restore');
  const snapshots = await (await services.keeper()).listSnapshots(repository.commonDir);
  await clearHalfRestored(
    services,
    held,
    repository,
    snapshots.find(s => s.id === left.snapshot) ?? want.snapshot,
  );
  return held;
}

async function fillWorktree(
  services: Services,
  held: Claim,
  repository: Repository,
  what: { snapshot: StoredSnapshot; plan: RestorePlan },
): Promise<void> {
  const { entry } = held;
  refuseStranger(entry);
  const git = await services.git(repository, held.operation.id);
  const keeper = await services.keeper(held.operation.id);
  const { plan } = what;
  const branch = plan.headRef?.replace('refs/heads/', '');
  if (branch !== undefined) await git.requireNotCheckedOut(branch, entry.worktree);
  makePrivateFolder(path.dirname(entry.worktree));
  await git.addEmptyWorktree(entry.worktree, what.snapshot.commit);
  const metadata = keeper.findMetadata(repository.commonDir, entry.worktree);
  if (metadata === undefined)
    throw new HeadjackError('git_failed', `git made no worktree at ${entry.worktree}`);
  keeper.lock(metadata, lockReason(entry.id));
  throwIfInterrupted(services);
  await keeper.restore(metadata, entry.worktree, what.snapshot, plan);
  throwIfInterrupted(services);
}

/**
 * Removes a tree that a restore did not finish. All of it is in the snapshot, which is looked at first.
 * @throws HeadjackError unsafe where it holds something that the snapshot has not
 */
async function clearHalfRestored(
  services: Services,
  held: Claim,
  repository: Repository,
  snapshot: StoredSnapshot,
): Promise<void> {
  const { entry } = held;
  const keeper = await services.keeper(held.operation.id);
  const metadata = keeper.findMetadata(repository.commonDir, entry.worktree);
  if (metadata === undefined) return;
  keeper.clearIndexLock(metadata);
  try {
    await deleteUntouched(services, held, repository, async look => {
      if (look.unknown) return false;
      return look.changes === undefined || !(await keeper.hasUnsaved(look, snapshot.commit));
    });
  } catch (error) {
    if (!(error instanceof HeadjackError) || error.code !== 'unsafe') throw error;
    throw new HeadjackError('unsafe', `the half-restored worktree ${entry.worktree} holds other work too`, {
      details: error.details,
      hint: `store it as well, and remove it: hjk rm ${entry.branch} --force`,
    });
  }
}

async function undoRestore(
  services: Services,
  held: Claim,
  repository: Repository,
  snapshot: StoredSnapshot,
): Promise<void> {
  try {
    await clearHalfRestored(services, held, repository, snapshot);
    await dropEntry(services, held);
  } catch {
    // it stays as it is, with its operation: the next restore of the snapshot takes it over
  }
}

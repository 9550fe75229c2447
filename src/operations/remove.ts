import fs from 'node:fs';
import type { InstanceEntry } from '../catalog/types.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import { discoverRepository } from '../git/discover.ts';
import { findContainerWork, requireSeen, wakeForLook } from './container-work.ts';
import type { Look } from '../git/look.ts';
import { deleteWorktree } from './delete-worktree.ts';
import { goingBranches, lineUp } from './going-branches.ts';
import { findInstance, requireInstance, requireRepository } from './find-instance.ts';
import { describeNotStored, type NotStored } from './not-stored.ts';
import { claimOrRefuse, commitClaimed, refuseBusy, release, type Claim } from './operation.ts';
import { claimGone, findOfGoneRepository } from './remove-gone.ts';
import { removeTraces } from './remove-traces.ts';
import { requireNotMounted, requireUnused } from './require-free.ts';
import type { Services } from './services.ts';
import { stopContainer } from './stop.ts';
import { subjectOf } from './subject.ts';

export interface RemoveOptions {
  readonly branch: string;
  /** Overrides refusals; what is deleted is stored first. */
  readonly force: boolean;
  /** Answers the question. */
  readonly yes: boolean;
  readonly deleteBranch: boolean;
  /** Store the files that git ignores, too. */
  readonly includeIgnored: boolean;
  /** Asked again once nobody else can begin anything; throws where it is not to go. */
  readonly stillWanted?: (entry: InstanceEntry) => Promise<void>;
  /** Asks on a terminal. @throws HeadjackError confirmation_required without one */
  readonly confirm: (entry: InstanceEntry, notStored: readonly NotStored[]) => Promise<boolean>;
}

export interface Removed {
  readonly entry: InstanceEntry;
  readonly branchDeleted: boolean;
  /** Where the work was stored, if there was any. */
  readonly snapshot: string | undefined;
  /** Ignored files that were deleted and not stored. */
  readonly notStored: readonly NotStored[];
  /** Nothing tells what is in the folder: it is still there. */
  readonly worktreeKept: boolean;
}

/**
 * Removes an instance. Looks first and refuses to lose work; asks; looks again with everything stopped; stores what it was forced
 * to delete. Nothing is written by a refusal or a "no". Undefined where the user said no.
 */
export async function removeInstance(
  services: Services,
  options: RemoveOptions,
): Promise<Removed | undefined> {
  const { entry, going } = await services.catalog.read(catalog => {
    const { repository } = services;
    const own = repository && findInstance(catalog, repository, options.branch);
    const found = structuredClone(
      own ??
        findOfGoneRepository(catalog, options.branch, { byBranch: repository === undefined }) ??
        requireInstance(catalog, requireRepository(services), options.branch),
    );
    return { entry: found, going: goingBranches(catalog, found) };
  });
  refuseBusy(entry);
  const repository = repositoryOf(entry);
  if (repository === undefined) {
    requireNotMounted(entry);
    const claimed = await claimGone(services, entry, options);
    return finishRemoval(services, claimed);
  }
  if (entry.operation?.deleting === undefined) {
    requireNotMounted(entry);
    const subject = subjectOf(entry, repository, { ...options, going });
    if (options.deleteBranch)
      await (await services.git(repository)).requireNotCheckedOut(entry.branch, entry.worktree);
    const look = await (await services.keeper()).look(subject);
    if (options.force) refuseUnstorable(entry, look);
    else
      refuseLosses(entry, [...look.reasons, ...(await findContainerWork(services, entry))], { going, look });
    if (!(options.force || options.yes) && !(await options.confirm(entry, look.ignoredNotStored)))
      return undefined;
  }
  const held = await claimOrRefuse(services, entry, 'rm');
  if (held.operation.deleting !== undefined) return finishRemoval(services, held);
  try {
    await options.stillWanted?.(entry);
  } catch (error) {
    await release(services, held, () => undefined);
    throw error;
  }
  return lookAgainAndRemove(services, held, options);
}

/** With everything stopped: the second look, the snapshot, the point of no return. */
async function lookAgainAndRemove(services: Services, held: Claim, options: RemoveOptions): Promise<Removed> {
  const { entry } = held;
  let snapshot = '';
  try {
    const repository = requireRepositoryOf(entry);
    const going = options.deleteBranch ? await lineUp(services, held) : [];
    const subject = subjectOf(entry, repository, { ...options, going });
    services.progress.phase('looking for work');
    await wakeForLook(services, entry);
    await stopContainer(services, entry);
    await requireSeen(services, entry);
    requireNotMounted(entry);
    await requireUnused(services, entry);
    const keeper = await services.keeper(held.operation.id);
    const look = await keeper.look(subject);
    if (options.force) refuseUnstorable(entry, look);
    else
      refuseLosses(entry, [...look.reasons, ...(await findContainerWork(services, entry))], { going, look });
    if (keeper.needsSnapshot(look) && !look.unknown) {
      services.progress.phase('storing work');
      snapshot = (await keeper.store(subject, look)).commit;
    }
    const tip = options.deleteBranch ? look.branchTip : undefined;
    const deleting = {
      snapshot,
      ...(tip === undefined ? {} : { branch_tip: tip }),
      ...(options.includeIgnored ? { include_ignored: true } : {}),
    };
    await commitClaimed(services, held, found => {
      if (found.operation !== undefined) found.operation.deleting = deleting;
    });
    const claimed: Claim = { ...held, operation: { ...held.operation, deleting } };
    const removed = await finishRemoval(
      services,
      claimed,
      options.force
        ? undefined
        : reasons => {
            refuseLosses(entry, reasons);
          },
    );
    return { ...removed, notStored: look.ignoredNotStored };
  } catch (error) {
    if (error instanceof HeadjackError && error.code === 'operation_lost') throw error;
    await keepInstance(services, held);
    throw error;
  }
}

/** The entry stays, stopped, for another try. An operation that has begun to delete stays as it is: it is only ever finished. */
async function keepInstance(services: Services, held: Claim): Promise<void> {
  await commitClaimed(services, held, found => {
    if (found.operation?.deleting !== undefined) return;
    delete found.operation;
    if (found.container_id !== '') found.status = 'stopped';
  }).catch(() => undefined);
}

/**
 * Finishes a removal that has begun: neither looks for reasons to refuse nor asks. What is not in the snapshot is stored as one
 * more. Every step tolerates that it was done before.
 * @param refuse set in the first run of a removal that was not forced: throws where work appeared at the last moment
 */
export async function finishRemoval(
  services: Services,
  held: Claim,
  refuse?: (reasons: readonly string[]) => void,
): Promise<Removed> {
  const { entry, operation } = held;
  const repository = repositoryOf(entry);
  const snapshot = await deleteWorktree(services, held, repository, refuse);
  services.progress.phase('removing');
  const branchDeleted = await removeTraces(services, held, repository, operation.deleting?.branch_tip);
  return {
    entry,
    branchDeleted,
    snapshot: snapshot === '' ? undefined : snapshot,
    notStored: [],
    worktreeKept: operation.deleting?.unjudged === true && fs.existsSync(entry.worktree),
  };
}

/** The repository that the entry names, which may be gone. */
function repositoryOf(entry: InstanceEntry): Repository | undefined {
  return discoverRepository(entry.repo);
}

function requireRepositoryOf(entry: InstanceEntry): Repository {
  const repository = repositoryOf(entry);
  if (repository !== undefined) return repository;
  throw new HeadjackError(
    'not_a_repository',
    `the repository ${entry.repo} of branch "${entry.branch}" is gone`,
    { hint: 'bring it back to its place, then try again' },
  );
}

/** What cannot be looked at cannot be stored, and what is not stored is not deleted, whatever was said. @throws HeadjackError unsafe */
function refuseUnstorable(entry: InstanceEntry, look: Look): void {
  if (!look.unknown || !fs.existsSync(entry.worktree)) return;
  throw new HeadjackError('unsafe', `the work in ${entry.worktree} cannot be stored`, {
    details: look.reasons,
    hint: `see to the reason, or keep the folder: mv ${entry.worktree} ${entry.worktree}.kept; then: hjk rm ${entry.branch} --force`,
  });
}

/** @throws HeadjackError unsafe with the list */
function refuseLosses(
  entry: InstanceEntry,
  reasons: readonly string[],
  { going = [], look }: { readonly going?: readonly string[]; readonly look?: Look } = {},
): void {
  if (reasons.length === 0) return;
  const others = going.map(branch => `branch ${branch} does not count: another hjk is about to delete it`);
  const ignored = look?.ignoredNotStored ?? [];
  const unstored =
    ignored.length > 0 ? [`ignored, and not stored by --force: ${describeNotStored(ignored)}`] : [];
  const also = ignored.length > 0 ? '; with all that git ignores: --include-ignored' : '';
  throw new HeadjackError(
    'unsafe',
    `removing branch "${entry.branch}" would lose work in ${entry.worktree}`,
    {
      details: [...reasons, ...others, ...unstored],
      hint: `commit it, or store and delete it: hjk rm ${entry.branch} --force${also}`,
    },
  );
}

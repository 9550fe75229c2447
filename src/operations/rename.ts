import type { InstanceEntry } from '../catalog/types.ts';
import { isValidBranch } from '../core/branch.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import { discoverRepository } from '../git/discover.ts';
import { findInstance, requireInstance, requireRepository } from './find-instance.ts';
import {
  claimOrRefuse,
  commitClaimed,
  refuseBusy,
  refuseHalfRestored,
  release,
  type Claim,
} from './operation.ts';
import type { Services } from './services.ts';

/**
 * Renames the branch of an instance, with the instance. The worktree stays where it is, so sessions go on. Order: operation, with
 * what is renamed → new branch at the old one's tip → HEAD of the worktree → entry → old branch. Whoever finds it half done
 * finishes it. Commits that a program inside makes meanwhile are carried over, or stay on the old branch.
 * @throws HeadjackError branch_moved, branch_in_use, instance_exists, busy
 */
export async function renameInstance(services: Services, from: string, to: string): Promise<InstanceEntry> {
  const here = requireRepository(services);
  if (!isValidBranch(to))
    throw new HeadjackError('branch_invalid', `${JSON.stringify(to)} is no branch name that git accepts`, {
      hint: 'git check-ref-format --branch <name> shows the rules',
    });
  const entry = await services.catalog.read(catalog => {
    const found = requireInstance(catalog, here, from);
    if (findInstance(catalog, here, to) !== undefined)
      throw new HeadjackError('instance_exists', `branch "${to}" has an instance already`, {
        hint: 'choose another name',
      });
    return structuredClone(found);
  });
  refuseBusy(entry);
  refuseHalfRestored(entry);
  if (entry.operation?.deleting !== undefined)
    throw new HeadjackError('busy', `the removal of branch "${from}" has begun and was interrupted`, {
      hint: `hjk rm ${from}`,
    });
  const repository = discoverRepository(entry.repo) ?? here;
  const git = await services.git(repository);
  const tip = await git.findCommit(`refs/heads/${from}`);
  if (tip === undefined)
    throw new HeadjackError('ref_not_found', `branch "${from}" has no commit, or is gone`, {
      hint: 'git branch --all',
    });
  if ((await git.findCommit(`refs/heads/${to}`)) !== undefined)
    throw new HeadjackError('branch_moved', `branch "${to}" exists already`, {
      hint: 'choose a name that is free',
    });
  await git.requireNotCheckedOut(from, entry.worktree);
  const held = await claimOrRefuse(services, entry, 'rename');
  const rename = { from, to, tip };
  await commitClaimed(services, held, found => {
    if (found.operation !== undefined) found.operation.rename = rename;
  });
  const claimed = { ...held, operation: { ...held.operation, rename } };
  try {
    await finishRename(services, claimed, repository);
  } catch (error) {
    // nothing was deleted: what is half done stays noted, and the next command finishes it
    if ((await git.findCommit(`refs/heads/${to}`)) === undefined)
      await release(services, claimed, found => {
        delete found.operation;
      }).catch(() => undefined);
    throw error;
  }
  return release(services, claimed, () => undefined);
}

const ROUNDS = 20;

/** Every step finds out whether it is done. The operation stays; its `rename` goes with the last commit. */
export async function finishRename(services: Services, held: Claim, repository: Repository): Promise<void> {
  const { rename } = held.operation;
  if (rename === undefined) return;
  const { from, to } = rename;
  const git = await services.git(repository, held.operation.id);
  const keeper = await services.keeper(held.operation.id);
  let tip = await git.findCommit(`refs/heads/${from}`);
  if (tip !== undefined) await git.renameBranch(from, to, tip);
  const metadata = keeper.findMetadata(repository.commonDir, held.entry.worktree);
  if (metadata !== undefined) await keeper.switchHead(metadata, from, to);
  await commitClaimed(services, held, found => {
    found.branch = to;
  });
  // a program inside may have committed to the old branch until HEAD was switched: the new one follows
  for (let round = 0; tip !== undefined && round < ROUNDS; round++) {
    const now = await git.findCommit(`refs/heads/${to}`);
    if (now !== tip && now === rename.tip) await git.advanceBranch(to, tip, now);
    const branch = { name: from, tip };
    // on no other branch: both stay, each with what was committed to it
    if ((await keeper.deleteBranch(repository.commonDir, branch, { keepConfig: true })) !== 'moved') break;
    tip = await git.findCommit(`refs/heads/${from}`);
  }
  await commitClaimed(services, held, found => {
    delete found.operation?.rename;
  });
}

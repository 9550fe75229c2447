import type { InstanceEntry } from '../catalog/types.ts';
import { isValidBranch } from '../core/branch.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import { discoverRepository } from '../git/discover.ts';
import { bridgeIfRunning } from './bridge.ts';
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
 * what is renamed → new branch at the old one's tip, with its reflog → HEAD of the worktree → entry → old branch. Whoever finds it
 * half done finishes it. Nothing that a rebase or the like would end on is renamed under it.
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
  await bridgeIfRunning(services, entry);
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
  if (from.startsWith(`${to}/`) || to.startsWith(`${from}/`))
    throw new HeadjackError('branch_moved', `git cannot have "${from}" and "${to}" at once`, {
      hint: `go by way of a third name: hjk rename ${from} <name>`,
    });
  await git.requireNotCheckedOut(from, entry.worktree);
  const keeper = await services.keeper();
  const metadata = keeper.findMetadata(repository.commonDir, entry.worktree)?.folder;
  keeper.refuseUnfinished({ commonDir: repository.commonDir, metadata, from, to });
  const held = await claimOrRefuse(services, entry, 'rename');
  const rename = { from, to, tip };
  await commitClaimed(services, held, found => {
    if (found.operation !== undefined) found.operation.rename = rename;
  });
  const claimed = { ...held, operation: { ...held.operation, rename } };
  try {
    await finishRename(services, claimed, repository, { takenOver: false });
  } catch (error) {
    // nothing was deleted: what is half done stays noted, and the next command finishes it
    const begun = !(
      error instanceof HeadjackError && ['busy', 'branch_moved', 'unsafe'].includes(error.code)
    );
    if (!begun || (await git.findCommit(`refs/heads/${to}`)) === undefined)
      await release(services, claimed, found => {
        delete found.operation;
      }).catch(() => undefined);
    throw error;
  }
  const renamed = await release(services, claimed, () => undefined);
  // inside, the branch has its new name now, or when the container runs again
  const problem = await bridgeIfRunning(services, renamed);
  if (problem !== undefined) services.progress.note(`Warning: ${problem}`);
  return renamed;
}

const ROUNDS = 20;

/**
 * Every step finds out whether it is done. The operation stays; its `rename` goes with the last commit. Gives the branch's name.
 * @param options takenOver: from a killed one; goes back to the old name where something was begun meanwhile that would end on it
 */
export async function finishRename(
  services: Services,
  held: Claim,
  repository: Repository,
  options: { readonly takenOver: boolean },
): Promise<string> {
  const { rename } = held.operation;
  if (rename === undefined) return held.entry.branch;
  const { from, to } = rename;
  const { commonDir } = repository;
  const git = await services.git(repository, held.operation.id);
  const keeper = await services.keeper(held.operation.id);
  const metadata = keeper.findMetadata(commonDir, held.entry.worktree)?.folder;
  const renamed = held.entry.branch === to;
  try {
    if (!renamed) {
      const begun = options.takenOver ? { begunAt: rename.tip } : {};
      await keeper.moveToNewName({ commonDir, metadata, from, to, ...begun });
    }
  } catch (error) {
    if (!options.takenOver || !(error instanceof HeadjackError) || error.code !== 'busy') throw error;
    const tip = await git.findCommit(`refs/heads/${to}`);
    if (tip !== undefined) await keeper.deleteBranch(commonDir, { name: to, tip }, { keepConfig: true });
    await endRename(services, held);
    return from;
  }
  await git.copyUpstream(from, to);
  await commitClaimed(services, held, found => {
    found.branch = to;
  });
  // somebody may have moved the old name meanwhile: the new one follows, or both stay
  for (let round = 0; round < ROUNDS; round++) {
    const tip = await git.findCommit(`refs/heads/${from}`);
    if (tip === undefined) break;
    const now = await git.findCommit(`refs/heads/${to}`);
    if (now !== tip && now === rename.tip) await git.advanceBranch(to, tip, now);
    if ((await keeper.deleteBranch(commonDir, { name: from, tip }, { keepConfig: true })) !== 'moved') break;
  }
  await endRename(services, held);
  return to;
}

function endRename(services: Services, held: Claim): Promise<void> {
  return commitClaimed(services, held, found => {
    delete found.operation?.rename;
  });
}

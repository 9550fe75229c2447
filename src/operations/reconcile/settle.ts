import type { InstanceEntry } from '../../catalog/types.ts';
import { isOurs } from '../../container/labels.ts';
import { discoverRepository } from '../../git/discover.ts';
import { removeHalfMade } from '../ensure-worktree.ts';
import { claimOrRefuse, dropEntry, release, type Claim } from '../operation.ts';
import { finishRemoval } from '../remove.ts';
import { isMounted, removeFiles } from '../remove-traces.ts';
import { restoreInstance } from '../restore.ts';
import type { Services } from '../services.ts';
import { stopClaimed } from '../stop.ts';
import { judgeInstance } from './instance-state.ts';

/** What `settle` will do about a dead operation, in words; undefined where it has to be decided. */
export function planSettling(entry: InstanceEntry): string | undefined {
  const { operation } = entry;
  if (operation === undefined) return 'record what the engine says';
  if (operation.deleting !== undefined) return 'finish the removal';
  if (operation.kind === 'restore') return operation.snapshot === undefined ? undefined : 'restore it anew';
  if (operation.kind === 'stop') return 'finish stopping it';
  if (operation.kind === 'rename') return 'finish the renaming';
  return entry.status === 'creating'
    ? 'remove what was half made'
    : 'record what the engine says; its work is kept';
}

/** Ends what a killed verb left, in the way in which nothing can be lost. @throws HeadjackError busy, unsafe */
export async function settle(services: Services, entry: InstanceEntry): Promise<void> {
  const { operation } = entry;
  if (operation?.kind === 'restore' && operation.snapshot !== undefined) {
    const repository = discoverRepository(entry.repo);
    if (repository !== undefined)
      await restoreInstance({ ...services, repository }, { what: operation.snapshot, as: entry.branch });
    return;
  }
  const held = await claimOrRefuse(services, entry, 'doctor');
  if (held.operation.deleting !== undefined) {
    await finishRemoval(services, held);
    return;
  }
  try {
    if (operation?.kind === 'stop') await stopClaimed(services, held);
    else if (entry.status === 'creating') await undoHalfMade(services, held);
    else await recordState(services, held);
  } catch (error) {
    await release(services, held, found => {
      found.status = found.status === 'creating' ? 'error' : found.status;
    }).catch(() => undefined);
    throw error;
  }
}

async function recordState(services: Services, held: Claim): Promise<void> {
  const containers = await services.lister.list();
  await release(services, held, found => {
    const state = judgeInstance({ ...found, status: 'stopped' }, containers, services);
    found.status = state.status === 'running' ? 'running' : 'stopped';
  });
}

/** An instance that a killed `run` did not finish never ran: container, half-made tree, files, entry. The branch stays. */
async function undoHalfMade(services: Services, held: Claim): Promise<void> {
  const { entry } = held;
  const repository = discoverRepository(entry.repo);
  const containers = await services.lister.list();
  if (entry.container_id !== '' && containers.some(c => c.id === entry.container_id)) {
    await recordState(services, held); // it was about to start: nothing of it is half
    return;
  }
  for (const container of containers.filter(c => isOurs(c.labels, entry.id, services.owner)))
    await (await services.runtime()).remove(container.id);
  if (repository !== undefined) {
    const keeper = await services.keeper(held.operation.id);
    if (keeper.findMetadata(repository.commonDir, entry.worktree) !== undefined)
      await removeHalfMade(services, held, repository);
    if (!isMounted(await services.lister.list(), repository)) keeper.unguard(repository.commonDir);
  }
  await services.host.closeAll(entry.id);
  removeFiles(services, entry.id);
  await dropEntry(services, held);
}

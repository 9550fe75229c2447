import type { InstanceEntry } from '../catalog/types.ts';
import { isOurs } from '../container/labels.ts';
import { realPathOf } from '../process/files.ts';
import { newOperation } from './operation.ts';
import { isEmpty, lookAround } from './prunable.ts';
import { removeFiles } from './remove-traces.ts';
import type { Services } from './services.ts';

/**
 * Removes instances of which nothing is left but the entry, with their logs: two updates of the catalog for all of them. What is
 * found to be there after all, or worked on, is left out. Gives the ids of those that are gone.
 */
export async function dropEmpty(services: Services, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const wanted = new Set(ids);
  const operation = { ...newOperation(services, 'rm'), deleting: { snapshot: '' } };
  const claimed = await services.catalog.update(draft => {
    const free = draft.entries.filter(entry => wanted.has(entry.id) && entry.operation === undefined);
    for (const entry of free) entry.operation = operation;
    return structuredClone(free);
  });
  // once nobody else can begin anything
  const around = await lookAround(services);
  const containers = await services.lister.list();
  const isGone = async (entry: InstanceEntry): Promise<boolean> => {
    const known = await around.repository(entry.repo);
    const { id, container_id: named } = entry;
    return (
      known?.worktrees.has(realPathOf(entry.worktree)) === false &&
      isEmpty(services, entry) &&
      !containers.some(c => (named !== '' && c.id === named) || isOurs(c.labels, id, services.owner))
    );
  };
  const going = new Set<string>();
  try {
    for (const entry of claimed) {
      if (!(await isGone(entry))) continue;
      await services.host.closeAll(entry.id);
      removeFiles(services, entry.id);
      going.add(entry.id);
    }
  } finally {
    await services.catalog.update(draft => {
      const ours = (entry: InstanceEntry): boolean => entry.operation?.id === operation.id;
      draft.entries = draft.entries.filter(entry => !(ours(entry) && going.has(entry.id)));
      for (const entry of draft.entries) if (ours(entry)) delete entry.operation;
    });
  }
  return going;
}

import type { InstanceEntry } from '../catalog/types.ts';
import { isOurs } from '../container/labels.ts';
import type { ContainerSummary } from '../container/port.ts';

/**
 * The container of an entry: the one that it names, if that is ours by its labels or (the original's have none) mounts the
 * worktree. One of ours that the entry does not name was made by a killed process and never ran: it is made anew by name.
 */
export function findContainer(
  containers: readonly ContainerSummary[],
  entry: InstanceEntry,
  services: { readonly owner: string },
): ContainerSummary | undefined {
  if (entry.container_id === '') return undefined;
  return containers.find(
    container =>
      (container.id === entry.container_id ||
        container.id.startsWith(entry.container_id) ||
        container.name === entry.container_id) &&
      (isOurs(container.labels, entry.id, services.owner) || container.sources.includes(entry.worktree)),
  );
}

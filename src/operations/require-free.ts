import type { InstanceEntry } from '../catalog/types.ts';
import { isOurs } from '../container/labels.ts';
import { isAtOrBelow } from '../core/place.ts';
import { HeadjackError } from '../errors.ts';
import { findMount } from '../process/mounts.ts';
import type { Services } from './services.ts';

/** Nothing is deleted at or below a place that is mounted. @throws HeadjackError worktree_nested */
export function requireNotMounted({ worktree }: Pick<InstanceEntry, 'worktree'>): void {
  const mount = findMount(worktree);
  if (mount === undefined) return;
  const inside = mount === worktree ? '' : ' inside the worktree';
  throw new HeadjackError('worktree_nested', `${mount} is a mount point${inside}`, {
    hint: `unmount it: umount ${mount}`,
  });
}

/**
 * Nor while a container that runs, and that no instance has, has it mounted: the user's own, or of another state root.
 * @throws HeadjackError busy
 */
export async function requireUnused(services: Services, entry: InstanceEntry): Promise<void> {
  const named = await services.catalog.read(catalog => catalog.entries.map(other => other.container_id));
  const using = (await services.lister.list()).find(
    container =>
      container.state === 'running' &&
      !isOurs(container.labels, entry.id, services.owner) &&
      !named.some(id => id !== '' && (container.id.startsWith(id) || container.name === id)) &&
      container.sources.some(source => isAtOrBelow(source, entry.worktree)),
  );
  if (using === undefined) return;
  throw new HeadjackError('busy', `container ${using.name} has ${entry.worktree} mounted`, {
    hint: `end it first: ${services.settings.runtimeName} stop ${using.name}`,
  });
}

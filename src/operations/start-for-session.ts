import type { InstanceEntry } from '../catalog/types.ts';
import type { ContainerSummary } from '../container/port.ts';
import { HeadjackError } from '../errors.ts';
import { instanceFiles } from '../session/files.ts';
import { discoverRepository } from '../git/discover.ts';
import { bringUp, BringUpFailed } from './bring-up.ts';
import { worktreeGone } from './ensure-worktree.ts';
import { requireInstance, requireRepository } from './find-instance.ts';
import { loadSpec } from './instance-spec.ts';
import { findLiftedMasks } from './masks.ts';
import { isOutdated } from './own-git-directory.ts';
import { busyError, claim, isDead, refuseHalfRestored, release, waitForOthers } from './operation.ts';
import { judgeInstance } from './reconcile/instance-state.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';

export interface RunningInstance {
  readonly entry: InstanceEntry;
  readonly container: ContainerSummary;
  /** This call started it: of many at once one. */
  readonly restarted: boolean;
  readonly endedSessions: readonly string[];
  /** Files of the git directory that the container can write although it should not: see masks.ts. */
  readonly unprotected: readonly string[];
  /** It has the repository's git directory, behind masks, as older versions made it. */
  readonly outdated: boolean;
}

/**
 * The instance of a branch, running: a stopped one is started first. Waits for another's `start`, finishes what a dead holder
 * left, and fails at any other operation.
 */
export async function requireRunning(services: Services, branch: string): Promise<RunningInstance> {
  const here = requireRepository(services);
  let restarted = false;
  let endedSessions: readonly string[] = [];
  for (;;) {
    const entry = await services.catalog.read(catalog =>
      structuredClone(requireInstance(catalog, here, branch)),
    );
    const { operation } = entry;
    if (operation !== undefined) {
      refuseHalfRestored(entry);
      const dead = isDead(operation);
      if (operation.kind === 'rm' && dead) throw interruptedRemoval(entry);
      if (!dead && operation.kind !== 'start') throw busyError(entry, operation);
      if (!dead) {
        await waitForOthers(services, entry.id);
        continue;
      }
    }
    const { container, worktree } = judgeInstance(entry, await services.lister.list(), services);
    if (operation === undefined && container?.state === 'running') {
      if (!worktree) throw worktreeGone(entry);
      const spec = loadSpec(instanceFiles(placesOf(services), entry.id).spec);
      const outdated = spec !== undefined && isOutdated(services, spec);
      const unprotected = findLiftedMasks(spec?.masked);
      return { entry, container, restarted, endedSessions, unprotected, outdated };
    }
    const held = await claim(services, entry, 'start');
    if (held === undefined) continue;
    try {
      const made = await bringUp(services, held, discoverRepository(entry.repo) ?? here, undefined);
      endedSessions = made.endedSessions;
      await release(services, held, found => {
        found.status = 'running';
      });
      restarted = true;
    } catch (error) {
      const failure = error instanceof BringUpFailed ? error.failure : error;
      await release(services, held, found => {
        found.status = 'error';
      }).catch(() => undefined);
      throw failure;
    }
  }
}

function interruptedRemoval(entry: InstanceEntry): HeadjackError {
  const begun = entry.operation?.deleting !== undefined;
  return new HeadjackError(
    'busy',
    `the removal of branch "${entry.branch}" was interrupted${begun ? ' after it had begun to delete' : ''}`,
    {
      hint: begun
        ? `finish it: hjk rm ${entry.branch}`
        : `keep it: hjk run ${entry.branch}, or remove it: hjk rm ${entry.branch}`,
    },
  );
}

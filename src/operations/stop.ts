import fs from 'node:fs';
import path from 'node:path';
import type { InstanceEntry } from '../catalog/types.ts';
import { HeadjackError } from '../errors.ts';
import { mirrorBeforeStop } from './bridge.ts';
import { findContainer } from './find-container.ts';
import { refuseOtherRuntime } from './other-runtime.ts';
import { endEverything } from './end-sessions.ts';
import { requireInstance, requireRepository } from './find-instance.ts';
import { claim, refuseHalfRestored, release, waitForOthers, type Claim } from './operation.ts';
import { instanceFiles } from '../session/files.ts';
import { loadSpec } from './instance-spec.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';

/** Ends the sessions, then the container. Stopped already is fine. */
export async function stopInstance(services: Services, branch: string): Promise<InstanceEntry> {
  const repository = requireRepository(services);
  for (;;) {
    const found = await services.catalog.read(catalog =>
      structuredClone(requireInstance(catalog, repository, branch)),
    );
    const entry = await waitForOthers(services, found.id);
    if (entry === undefined) continue; // removed meanwhile: look again, which says so
    if (entry.operation?.deleting !== undefined) {
      throw new HeadjackError('busy', `the removal of branch "${branch}" has begun and was interrupted`, {
        hint: `hjk rm ${branch}`,
      });
    }
    refuseHalfRestored(entry);
    const held = await claim(services, entry, 'stop');
    if (held === undefined) continue;
    const stopped = await stopClaimed(services, held);
    services.progress.done();
    return stopped;
  }
}

export async function stopClaimed(services: Services, held: Claim): Promise<InstanceEntry> {
  try {
    await stopContainer(services, held.entry);
  } catch (error) {
    await release(services, held, () => undefined).catch(() => undefined);
    throw error;
  }
  const whole = fs.existsSync(path.join(held.entry.worktree, '.git')) && held.entry.container_id !== '';
  if (whole) {
    return release(services, held, found => {
      found.status = 'stopped';
    });
  }
  await release(services, held, found => {
    found.status = 'error';
  });
  throw new HeadjackError('not_running', `the instance of branch "${held.entry.branch}" was never finished`, {
    hint: `hjk run ${held.entry.branch}`,
  });
}

/** Sessions, other processes, container, tmux. Each may be gone already. */
export async function stopContainer(services: Services, entry: InstanceEntry): Promise<void> {
  const container = findContainer(await services.lister.list(), entry, services);
  if (container === undefined) refuseOtherRuntime(services, entry);
  if (container?.state === 'running') {
    const at = { entry, container: container.id };
    await mirrorBeforeStop(services, at); // with a command of its own, the container ends as soon as that does
    await endEverything(services, entry, container.id);
    await mirrorBeforeStop(services, at);
    services.progress.phase('stopping');
    await (await services.runtime()).stop(container.id, 1);
  }
  if (loadSpec(instanceFiles(placesOf(services), entry.id).spec)?.devcontainer?.compose === true)
    await (await import('./devcontainer/compose-project.ts')).switchProject(services, entry.id, false);
  await services.host.closeAll(entry.id);
}

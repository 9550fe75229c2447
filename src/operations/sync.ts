import type { InstanceEntry } from '../catalog/types.ts';
import { HeadjackError } from '../errors.ts';
import type { PassReport } from '../git-directory/bridge/report.ts';
import { bridgeInstance, isBridged } from './bridge.ts';
import { findContainer } from './find-container.ts';
import { belongsTo, requireInstance, requireRepository } from './find-instance.ts';
import { poll } from '../process/sleep.ts';
import type { Services } from './services.ts';

export interface SyncOptions {
  /** All instances of the repository where it is not given. */
  readonly branch: string | undefined;
  /** Of all repositories. */
  readonly all: boolean;
  readonly allowLinks: boolean;
}

export interface Synced {
  readonly entry: InstanceEntry;
  /** Undefined where there is nothing to do: it does not run, or shares the repository's git directory. */
  readonly report: PassReport | undefined;
  readonly skipped: 'shared' | 'stopped' | undefined;
}

/** Another bridge works for a moment only. */
const PATIENCE_MS = 10_000;

/**
 * Brings branches and tags of instances and of the host to agree.
 * @throws HeadjackError instance_not_found, not_running (for one that was named), busy
 */
export async function syncInstances(services: Services, options: SyncOptions): Promise<Synced[]> {
  const repository = options.all ? undefined : requireRepository(services);
  const { branch } = options;
  const entries = await services.catalog.read(catalog =>
    structuredClone(
      repository === undefined
        ? catalog.entries
        : branch === undefined
          ? catalog.entries.filter(entry => belongsTo(entry, repository))
          : [requireInstance(catalog, repository, branch)],
    ),
  );
  const containers = await services.lister.list();
  const synced: Synced[] = [];
  for (const entry of entries) {
    const container = findContainer(containers, entry, services);
    if (!isBridged(services, entry)) {
      synced.push({ entry, report: undefined, skipped: 'shared' });
      continue;
    }
    if (container?.state !== 'running') {
      if (branch !== undefined) throw notRunning(entry);
      synced.push({ entry, report: undefined, skipped: 'stopped' });
      continue;
    }
    services.progress.phase(entry.branch);
    const at = { entry, container: container.id };
    const report = await poll(
      async () => {
        const found = await bridgeInstance(services, at, { always: true, allowLinks: options.allowLinks });
        return found?.busy === true ? undefined : found;
      },
      { everyMs: 100, limitMs: PATIENCE_MS },
    );
    if (report === undefined) throw busy(entry);
    synced.push({ entry, report, skipped: undefined });
  }
  services.progress.done();
  return synced;
}

function notRunning(entry: InstanceEntry): HeadjackError {
  return new HeadjackError('not_running', `the instance of branch "${entry.branch}" does not run`, {
    hint: `hjk start ${entry.branch}`,
  });
}

function busy(entry: InstanceEntry): HeadjackError {
  return new HeadjackError('busy', `another hjk carries the refs of branch "${entry.branch}"`, {
    hint: 'try again in a moment',
  });
}

import type { InstanceEntry, InstanceStatus } from '../catalog/types.ts';
import { HeadjackError } from '../errors.ts';
import type { BridgeState } from '../git-directory/bridge/state.ts';
import { bridgeState } from './bridge.ts';
import { belongsTo, requireInstance, requireRepository } from './find-instance.ts';
import { judgeInstance } from './reconcile/instance-state.ts';
import type { Services } from './services.ts';
import { viewSessions, type SessionView } from './session-states.ts';

export interface InstanceView {
  readonly entry: InstanceEntry;
  readonly status: InstanceStatus | 'unknown';
  readonly sessions: readonly SessionView[];
  /** Of an instance with a git directory of its own: what was seen of it last. */
  readonly bridge: BridgeState | undefined;
}

export interface PsResult {
  readonly instances: readonly InstanceView[];
  /** Why the engine did not answer: the status of all is `unknown` then. */
  readonly engineError: HeadjackError | undefined;
}

export type PsScope =
  | { readonly kind: 'repository' }
  | { readonly kind: 'all' }
  | { readonly kind: 'branch'; readonly branch: string };

/** Lists instances with their sessions. One engine call, started before the catalog is read; writes nothing. */
export async function listInstances(services: Services, scope: PsScope): Promise<PsResult> {
  const repository =
    scope.kind === 'all'
      ? undefined
      : requireRepository(services, 'cd into a git repository, or: hjk ps --all');
  const listing = services.lister.list().then(
    containers => ({ containers, error: undefined }),
    (error: unknown) => ({ containers: undefined, error }),
  );
  const entries = await services.catalog.read(catalog => {
    if (repository === undefined) return catalog.entries;
    if (scope.kind === 'branch') return [requireInstance(catalog, repository, scope.branch)];
    return catalog.entries.filter(entry => belongsTo(entry, repository));
  });
  const { containers, error } = await listing;
  if (error !== undefined && !(error instanceof HeadjackError)) throw error;
  const instances = await Promise.all(
    entries.map(async entry => {
      const { status, container } = judgeInstance(entry, containers, services);
      const runs = containers === undefined ? undefined : container?.state === 'running';
      return {
        entry,
        status,
        sessions: await viewSessions(services, entry, runs),
        bridge: bridgeState(services, entry),
      };
    }),
  );
  return { instances, engineError: error };
}

import fs from 'node:fs';
import path from 'node:path';
import type { InstanceEntry, InstanceStatus } from '../../catalog/types.ts';
import type { ContainerSummary } from '../../container/port.ts';
import { judgeIdentity, type Liveness } from '../../process/identity.ts';
import { findContainer } from '../find-container.ts';

/** What an instance is: catalog, engine and disk taken together. The one judgement that every verb uses. */
export interface InstanceState {
  readonly container: ContainerSummary | undefined;
  /** By the engine where it has a say, else by the catalog; `unknown` where the engine does not answer. */
  readonly status: InstanceStatus | 'unknown';
  /** Of who works on it. */
  readonly holder: Liveness | 'none';
  /** Whether the worktree's folder is there, with its `.git`. */
  readonly worktree: boolean;
  /** It runs, is whole, and nobody works on it: nothing needs to be done. */
  readonly ready: boolean;
}

/** @param containers what the engine lists; undefined where it does not answer */
export function judgeInstance(
  entry: InstanceEntry,
  containers: readonly ContainerSummary[] | undefined,
  services: { readonly owner: string },
): InstanceState {
  const container = containers === undefined ? undefined : findContainer(containers, entry, services);
  const holder = entry.operation === undefined ? 'none' : judgeIdentity(entry.operation);
  const worktree = fs.existsSync(path.join(entry.worktree, '.git'));
  const runs = container?.state === 'running';
  return {
    container,
    status: statusOf(entry, containers, runs),
    holder,
    worktree,
    ready: holder === 'none' && runs && worktree && entry.status === 'running',
  };
}

function statusOf(
  entry: InstanceEntry,
  containers: readonly ContainerSummary[] | undefined,
  runs: boolean,
): InstanceState['status'] {
  if (containers === undefined) return 'unknown';
  if (entry.status === 'creating' || entry.status === 'error') return entry.status;
  return runs ? 'running' : 'stopped';
}

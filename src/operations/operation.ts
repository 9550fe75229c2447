import type { Catalog, InstanceEntry, Operation, OperationKind } from '../catalog/types.ts';
import { HeadjackError, ignoring } from '../errors.ts';
import { discoverRepository } from '../git/discover.ts';
import { formatTime } from '../core/time.ts';
import { findByEnvironment, HELPER_VARIABLE, OPERATION_VARIABLE } from '../process/by-environment.ts';
import { judgeIdentity, ownIdentity } from '../process/identity.ts';
import { poll, sleep } from '../process/sleep.ts';
import { requireEntry } from './find-instance.ts';
import type { Services } from './services.ts';

/** An instance that this process works on: nobody else changes it meanwhile. */
export interface Claim {
  readonly entry: InstanceEntry;
  readonly operation: Operation;
  /** What a dead process was doing to it. */
  readonly takenFrom: Operation | undefined;
}

export function newOperation(services: Services, kind: OperationKind): Operation {
  const { pid, pid_start, boot_id, pid_ns } = ownIdentity();
  return {
    id: services.randomHex(8),
    kind,
    pid,
    pid_start,
    boot_id,
    pid_ns,
    since: formatTime(services.now()),
  };
}

/** Whether the process that works on the instance is gone for good. */
export function isDead(operation: Operation): boolean {
  return judgeIdentity(operation) === 'dead';
}

export function busyError(entry: InstanceEntry, operation: Operation): HeadjackError {
  const state = judgeIdentity(operation);
  return new HeadjackError(
    'busy',
    `hjk ${operation.kind} (pid ${String(operation.pid)}) works on branch "${entry.branch}" since ${operation.since}`,
    {
      hint:
        state === 'stopped'
          ? `it is suspended: resume it with: kill -CONT ${String(operation.pid)}`
          : 'wait for it, then try again',
      details: { operation },
    },
  );
}

/** @throws HeadjackError busy while a process that is not dead works on the instance */
export function refuseBusy(entry: InstanceEntry): void {
  const { operation } = entry;
  if (operation !== undefined && !isDead(operation)) throw busyError(entry, operation);
}

/** A dead `restore` is finished by `restore` alone: others would take what it has written for work. @throws HeadjackError busy */
export function refuseHalfRestored(entry: InstanceEntry): void {
  const { operation } = entry;
  if (operation?.kind !== 'restore' || !isDead(operation)) return;
  throw new HeadjackError('busy', `the restore of branch "${entry.branch}" was interrupted`, {
    hint: `finish it: hjk restore ${operation.snapshot ?? entry.branch}, or remove it: hjk rm ${entry.branch} --force`,
  });
}

/**
 * Marks the instance as worked on, replacing exactly the operation that was read. Undefined where somebody else came first.
 * The `deleting` of a dead `rm` stays: from there a removal is only ever finished.
 */
export async function claim(
  services: Services,
  read: InstanceEntry,
  kind: OperationKind,
): Promise<Claim | undefined> {
  const operation = newOperation(services, kind);
  const taken = read.operation;
  if (taken?.deleting !== undefined) operation.deleting = taken.deleting;
  if (taken?.rename !== undefined) operation.rename = taken.rename;
  const entry = await services.catalog.update(draft => {
    const found = requireEntry(draft, read);
    if (found.operation?.id !== taken?.id) return undefined;
    found.operation = operation;
    return structuredClone(found);
  });
  if (entry === undefined) return undefined;
  if (taken !== undefined) await outlive(taken);
  const held = { entry, operation, takenFrom: taken };
  return operation.rename === undefined ? held : finishedRename(services, held);
}

/** For verbs that do not wait. @throws HeadjackError busy where somebody else came first; it is named */
export async function claimOrRefuse(
  services: Services,
  read: InstanceEntry,
  kind: OperationKind,
): Promise<Claim> {
  const held = await claim(services, read, kind);
  if (held !== undefined) return held;
  const now = await services.catalog.read(catalog => structuredClone(requireEntry(catalog, read)));
  refuseBusy(now);
  throw new HeadjackError('busy', `another hjk worked on branch "${read.branch}"`, { hint: 'try again' });
}

/** Whoever takes over from a killed `rename` finishes that first: branch and entry have one name again. */
async function finishedRename(services: Services, held: Claim): Promise<Claim> {
  const repository = discoverRepository(held.entry.repo);
  if (repository === undefined) return held;
  const { finishRename } = await import('./rename.ts');
  const branch = await finishRename(services, held, repository, { takenOver: true });
  return { ...held, entry: { ...held.entry, branch } };
}

/** A killed hjk leaves its git running: waits until it has ended, at most 10 s, then ends it. Its helpers are ended at once. */
async function outlive(operation: Operation): Promise<void> {
  const running = (variable: string): number[] => findByEnvironment(variable, operation.id);
  const gone = (variable: string, limitMs: number): Promise<true | undefined> =>
    poll(() => running(variable).length === 0 || undefined, { everyMs: 50, limitMs });
  for (const [variable, patienceMs] of [
    [HELPER_VARIABLE, 0],
    [OPERATION_VARIABLE, 10_000],
  ] as const) {
    if (await gone(variable, patienceMs)) continue;
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      for (const pid of running(variable)) ignoring(['ESRCH'], () => process.kill(pid, signal), false); // it has just ended by itself
      if (await gone(variable, 500)) break;
    }
  }
}

/** Commits a change to an entry that is still ours. @throws HeadjackError operation_lost where it is not */
export async function commitClaimed<T>(
  services: Services,
  held: Claim,
  change: (entry: InstanceEntry, draft: Catalog) => T,
): Promise<T> {
  return services.catalog.update(draft => {
    const entry = draft.entries.find(e => e.id === held.entry.id);
    if (entry?.operation?.id !== held.operation.id) {
      throw new HeadjackError(
        'operation_lost',
        `another hjk took over the work on branch "${held.entry.branch}"`,
        {
          hint: 'hjk ps --all',
        },
      );
    }
    return change(entry, draft);
  });
}

/** Ends the claim together with the instance: the last step of every removal. */
export function dropEntry(services: Services, held: Claim): Promise<void> {
  return commitClaimed(services, held, (_found, draft) => {
    draft.entries = draft.entries.filter(e => e.id !== held.entry.id);
  });
}

/** Ends the claim, with the status that the instance has now. */
export function release(
  services: Services,
  held: Claim,
  change: (entry: InstanceEntry) => void,
): Promise<InstanceEntry> {
  return commitClaimed(services, held, entry => {
    change(entry);
    delete entry.operation;
    return structuredClone(entry);
  });
}

/**
 * Waits while a living process works on the instance. Gives the entry as it is then, or undefined where it is gone.
 * @throws HeadjackError busy off a terminal for a holder that is suspended or out of sight; interrupted
 */
export async function waitForOthers(
  services: Services,
  instanceId: string,
): Promise<InstanceEntry | undefined> {
  for (let round = 0; ; round++) {
    const entry = await services.catalog.read(catalog =>
      structuredClone(catalog.entries.find(e => e.id === instanceId)),
    );
    if (entry?.operation === undefined) return entry;
    const state = judgeIdentity(entry.operation);
    if (state === 'dead') return entry;
    if (state !== 'live' && !services.terminal.stderr) throw busyError(entry, entry.operation);
    if (round === 0)
      services.progress.phase(`waiting for hjk ${entry.operation.kind} (pid ${String(entry.operation.pid)})`);
    throwIfInterrupted(services);
    await sleep(Math.min(25 + round * 5, 200));
  }
}

/** @throws HeadjackError interrupted */
export function throwIfInterrupted(services: Services): void {
  if (services.signal.aborted)
    throw services.signal.reason instanceof HeadjackError
      ? services.signal.reason
      : new HeadjackError('interrupted', 'interrupted');
}

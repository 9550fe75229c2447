import fs from 'node:fs';
import path from 'node:path';
import type { InstanceEntry } from '../catalog/types.ts';
import { isKeepAlive } from '../container/keep-alive.ts';
import { parseTime } from '../core/time.ts';
import { HeadjackError, messageOf } from '../errors.ts';
import { discoverRepository } from '../git/discover.ts';
import { describeSnapshot, type StoredSnapshot } from '../git/snapshot-list.ts';
import type { Repository } from '../core/repository.ts';
import { isLive } from '../session/state.ts';
import { belongsTo, requireRepository } from './find-instance.ts';
import { findContainerWork } from './container-work.ts';
import { removeInstance } from './remove.ts';
import { judgeInstance } from './reconcile/instance-state.ts';
import { listPrograms } from './programs.ts';
import type { Services } from './services.ts';
import { viewSessions } from './session-states.ts';
import { subjectOf } from './subject.ts';

export interface PruneOptions {
  /** Milliseconds since something was last used, or a snapshot stored. */
  readonly minAgeMs: number;
  /** Only instances whose branch is merged. Snapshots are left alone. */
  readonly merged: boolean;
  readonly allRepositories: boolean;
}

/** Something that can go, or the reason why it stays. */
export interface Candidate {
  readonly kind: 'instance' | 'snapshot';
  readonly id: string;
  readonly branch: string;
  readonly repository: string;
  /** Milliseconds since 1970: when it was last used, or stored. */
  readonly since: number;
  /** What it is: `merged into main`, `not used`, what a snapshot holds. */
  readonly what: string;
  /** Undefined: it can go. */
  readonly kept: string | undefined;
}

export interface Pruned extends Candidate {
  readonly error: string | undefined;
}

/** Looks for what can go. Instances in use, dirty or worked on are kept, and say why. Nothing is changed. */
export async function findPrunable(services: Services, options: PruneOptions): Promise<Candidate[]> {
  const here = options.allRepositories ? undefined : requireRepository(services, 'hjk prune --all-repos');
  const entries = await services.catalog.read(catalog =>
    structuredClone(catalog.entries.filter(entry => here === undefined || belongsTo(entry, here))),
  );
  const candidates: Candidate[] = [];
  for (const entry of entries) {
    const candidate = await judgeEntry(services, entry, options);
    if (candidate !== undefined) candidates.push(candidate);
  }
  if (options.merged) return candidates;
  const repositories = new Map<string, Repository>();
  for (const repository of [here, ...entries.map(entry => discoverRepository(entry.repo))])
    if (repository !== undefined) repositories.set(repository.commonDir, repository);
  for (const repository of repositories.values())
    candidates.push(...(await judgeSnapshots(services, repository, options)));
  return candidates;
}

/** Undefined where it is too young, or not merged where that is asked for: nobody wants to read of those. */
async function judgeEntry(
  services: Services,
  entry: InstanceEntry,
  options: PruneOptions,
): Promise<Candidate | undefined> {
  const repository = discoverRepository(entry.repo);
  const since = await lastUsed(services, entry, repository);
  if (services.now() - since < options.minAgeMs) return undefined;
  const base = {
    kind: 'instance' as const,
    id: entry.id,
    branch: entry.branch,
    repository: entry.repo,
    since,
  };
  if (repository === undefined)
    return { ...base, what: 'not used', kept: 'its repository is gone: hjk doctor' };
  const keeper = await services.keeper();
  const merged = await keeper.findMerged(repository.commonDir, entry.branch);
  if (options.merged && merged === undefined) return undefined;
  const what =
    merged === undefined
      ? 'not used'
      : `${merged.how} into ${merged.into.replace(/^refs\/(heads|remotes)\//, '')}`;
  const kept = (await whyInUse(services, entry)) ?? (await whyUnsafe(services, entry, repository));
  return { ...base, what, kept };
}

function withoutOperation(entry: InstanceEntry): InstanceEntry {
  const copy = structuredClone(entry);
  delete copy.operation;
  return copy;
}

/** By its sessions, and by what git did in the worktree: somebody may work there without hjk. */
async function lastUsed(
  services: Services,
  entry: InstanceEntry,
  repository: Repository | undefined,
): Promise<number> {
  const metadata =
    repository === undefined
      ? undefined
      : (await services.keeper()).findMetadata(repository.commonDir, entry.worktree);
  const touched = ['index', 'HEAD', 'logs/HEAD'].map(name =>
    metadata === undefined
      ? 0
      : (fs.statSync(path.join(metadata.folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0),
  );
  const times = [
    entry.created_at,
    ...entry.sessions.flatMap(s => [s.created_at, s.last_accessed, s.ended_at ?? '']),
  ];
  return Math.max(...times.map(parseTime).filter(time => !Number.isNaN(time)), ...touched);
}

/** Why nobody may take it away now: somebody works on it, or something runs in it. */
async function whyInUse(services: Services, entry: InstanceEntry): Promise<string | undefined> {
  const state = judgeInstance(entry, await services.lister.list(), services);
  if (state.holder !== 'none')
    return `hjk ${entry.operation?.kind ?? ''} works on it, or was killed: hjk doctor`;
  if (state.container?.state !== 'running') return undefined;
  const sessions = await viewSessions(services, entry, true);
  const live = sessions.filter(view => isLive(view.state));
  if (live[0] !== undefined) return `session ${live[0].session.name} is ${live[0].state}`;
  const programs = await listPrograms(services, state.container.id);
  return programs === undefined || programs.some(program => !isKeepAlive(program))
    ? 'a program runs in it'
    : undefined;
}

/** What `rm` would refuse it for. */
async function whyUnsafe(
  services: Services,
  entry: InstanceEntry,
  repository: Repository,
): Promise<string | undefined> {
  try {
    const { reasons } = await (await services.keeper()).look(subjectOf(entry, repository));
    return reasons[0] ?? (await findContainerWork(services, entry))[0];
  } catch (error) {
    return messageOf(error);
  }
}

async function judgeSnapshots(
  services: Services,
  repository: Repository,
  options: PruneOptions,
): Promise<Candidate[]> {
  const stored = await (await services.keeper()).listSnapshots(repository.commonDir);
  return stored
    .filter(snapshot => services.now() - snapshot.storedAt >= options.minAgeMs)
    .map(snapshot => ({
      kind: 'snapshot' as const,
      id: snapshot.id,
      branch: snapshot.message.branch,
      repository: repository.root,
      since: snapshot.storedAt,
      what: describeSnapshot(snapshot),
      kept: undefined,
    }));
}

/** Deletes what still can go: each is judged once more right before, and `rm` looks at it again with everything stopped. */
export async function prune(
  services: Services,
  candidates: readonly Candidate[],
  options: PruneOptions,
): Promise<Pruned[]> {
  const done: Pruned[] = [];
  for (const candidate of candidates.filter(c => c.kept === undefined)) {
    services.progress.phase(`pruning ${candidate.id}`);
    try {
      const kept =
        candidate.kind === 'instance'
          ? await pruneInstance(services, candidate, options)
          : await pruneSnapshot(services, candidate, options);
      done.push({ ...candidate, kept, error: undefined });
    } catch (error) {
      if (error instanceof HeadjackError && [6, 7, 130, 143].includes(error.exitCode)) throw error;
      done.push({ ...candidate, error: messageOf(error) });
    }
  }
  services.progress.done();
  return done;
}

async function pruneInstance(
  services: Services,
  candidate: Candidate,
  options: PruneOptions,
): Promise<string | undefined> {
  const entry = await services.catalog.read(catalog =>
    structuredClone(catalog.entries.find(e => e.id === candidate.id)),
  );
  if (entry === undefined) return undefined; // gone already
  const now = await judgeEntry(services, entry, options);
  if (now === undefined) return 'it was used meanwhile';
  if (now.kept !== undefined) return now.kept;
  const repository = discoverRepository(entry.repo);
  if (repository === undefined) return 'its repository is gone';
  await removeInstance(
    { ...services, repository },
    {
      branch: entry.branch,
      force: false,
      yes: true,
      deleteBranch: false,
      includeIgnored: false,
      // asked once more when nobody else can begin: a session may have been opened since
      stillWanted: async claimed => {
        const why = await whyInUse(services, withoutOperation(claimed));
        if (why !== undefined)
          throw new HeadjackError('busy', `branch "${entry.branch}" came into use: ${why}`, {
            hint: 'nothing was removed',
          });
      },
      confirm: () => Promise.resolve(true),
    },
  );
  return undefined;
}

async function pruneSnapshot(
  services: Services,
  candidate: Candidate,
  options: PruneOptions,
): Promise<string | undefined> {
  const repository = discoverRepository(candidate.repository);
  if (repository === undefined) return 'its repository is gone';
  const keeper = await services.keeper();
  const found: StoredSnapshot | undefined = (await keeper.listSnapshots(repository.commonDir)).find(
    s => s.id === candidate.id,
  );
  if (found === undefined) return undefined;
  if (services.now() - found.storedAt < options.minAgeMs) return 'it is newer than it was';
  return (await keeper.dropSnapshot(repository.commonDir, found)) ? undefined : 'it changed meanwhile';
}

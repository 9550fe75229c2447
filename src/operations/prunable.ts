import fs from 'node:fs';
import path from 'node:path';
import type { InstanceEntry } from '../catalog/types.ts';
import { isKeepAlive } from '../container/keep-alive.ts';
import type { ContainerSummary } from '../container/port.ts';
import { parseTime } from '../core/time.ts';
import { messageOf } from '../errors.ts';
import { discoverRepository } from '../git/discover.ts';
import { describeSnapshot } from '../git/snapshot-list.ts';
import type { Repository } from '../core/repository.ts';
import { realPathOf } from '../process/files.ts';
import { instanceFiles } from '../session/files.ts';
import { isLive } from '../session/state.ts';
import { findContainerWork } from './container-work.ts';
import { belongsTo, requireRepository } from './find-instance.ts';
import { judgeInstance } from './reconcile/instance-state.ts';
import { listPrograms } from './programs.ts';
import type { Services } from './services.ts';
import { placesOf, viewSessions } from './session-states.ts';
import { subjectOf } from './subject.ts';

export interface PruneOptions {
  /** Milliseconds since something was last used, or a snapshot stored. */
  readonly minAgeMs: number;
  /** Only instances whose branch is merged. Snapshots are left alone. */
  readonly merged: boolean;
  readonly allRepositories: boolean;
  /** Store the files that git ignores before they go. */
  readonly includeIgnored?: boolean;
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
  /** Nothing of it is left but its entry. */
  readonly empty?: boolean;
}

/** Looks for what can go. Instances in use, dirty or worked on are kept, and say why. Nothing is changed. */
export async function findPrunable(services: Services, options: PruneOptions): Promise<Candidate[]> {
  const here = options.allRepositories ? undefined : requireRepository(services, 'hjk prune --all-repos');
  const entries = await services.catalog.read(catalog =>
    structuredClone(catalog.entries.filter(entry => here === undefined || belongsTo(entry, here))),
  );
  const around = await lookAround(services);
  const candidates: Candidate[] = [];
  for (const entry of entries) {
    const candidate = await judgeEntry(services, entry, options, around);
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
export async function judgeEntry(
  services: Services,
  entry: InstanceEntry,
  options: PruneOptions,
  around: PruneSurroundings,
): Promise<Candidate | undefined> {
  const known = await around.repository(entry.repo);
  const metadata = known?.worktrees.get(realPathOf(entry.worktree));
  const since = lastUsed(entry, metadata);
  if (services.now() - since < options.minAgeMs) return undefined;
  const base = {
    kind: 'instance' as const,
    id: entry.id,
    branch: entry.branch,
    repository: entry.repo,
    since,
  };
  if (known === undefined)
    return { ...base, what: 'not used', kept: `its repository is gone: hjk rm ${entry.id} --force` };
  const { repository, branches } = known;
  const merged = branches.has(entry.branch)
    ? await (await services.keeper()).findMerged(repository.commonDir, entry.branch)
    : undefined;
  if (options.merged && merged === undefined) return undefined;
  const what =
    merged === undefined
      ? 'not used'
      : `${merged.how} into ${merged.into.replace(/^refs\/(heads|remotes)\//, '')}`;
  const inUse = await whyInUse(services, entry, await around.containers());
  const empty = inUse === undefined && metadata === undefined && isEmpty(services, entry);
  const kept = inUse ?? (empty ? undefined : await whyUnsafe(services, entry, repository));
  return { ...base, what, kept, empty };
}

/** By its sessions, and by what git did in the worktree: somebody may work there without hjk. */
function lastUsed(entry: InstanceEntry, metadata: string | undefined): number {
  const touched = ['index', 'HEAD', 'logs/HEAD'].map(name =>
    metadata === undefined
      ? 0
      : (fs.statSync(path.join(metadata, name), { throwIfNoEntry: false })?.mtimeMs ?? 0),
  );
  const times = [
    entry.created_at,
    ...entry.sessions.flatMap(s => [s.created_at, s.last_accessed, s.ended_at ?? '']),
  ];
  return Math.max(...times.map(parseTime).filter(time => !Number.isNaN(time)), ...touched);
}

/** Why nobody may take it away now: somebody works on it, or something runs in it. */
export async function whyInUse(
  services: Services,
  entry: InstanceEntry,
  containers: readonly ContainerSummary[],
): Promise<string | undefined> {
  const state = judgeInstance(entry, containers, services);
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

/** What many candidates have in common, looked at once and when it is first asked for. */
export interface PruneSurroundings {
  containers(): Promise<readonly ContainerSummary[]>;
  repository(place: string): Promise<KnownRepository | undefined>;
}

interface KnownRepository {
  readonly repository: Repository;
  readonly branches: ReadonlySet<string>;
  /** Real path → git's metadata. */
  readonly worktrees: ReadonlyMap<string, string>;
}

export async function lookAround(services: Services): Promise<PruneSurroundings> {
  const keeper = await services.keeper();
  const places = new Map<string, Promise<KnownRepository | undefined>>();
  const open = async (place: string): Promise<KnownRepository | undefined> => {
    const repository = discoverRepository(place);
    if (repository === undefined) return undefined;
    const { commonDir } = repository;
    const listed = keeper.listWorktrees(commonDir);
    return {
      repository,
      branches: await keeper.listBranches(commonDir),
      worktrees: new Map(listed.map(worktree => [realPathOf(worktree.path), worktree.folder])),
    };
  };
  let containers: Promise<readonly ContainerSummary[]> | undefined;
  return {
    containers: () => (containers ??= services.lister.list()),
    repository(place) {
      const found = places.get(place) ?? open(place);
      places.set(place, found);
      return found;
    },
  };
}

/** Whether there is nothing where its worktree and its files were. */
export function isEmpty(services: Services, entry: InstanceEntry): boolean {
  const there = [entry.worktree, instanceFiles(placesOf(services), entry.id).folder];
  return there.every(place => fs.lstatSync(place, { throwIfNoEntry: false }) === undefined);
}

import fs from 'node:fs';
import path from 'node:path';
import type { InstanceEntry, SessionEntry } from '../../catalog/types.ts';
import { parseLabels, type InstanceLabels } from '../../container/labels.ts';
import type { ContainerSummary } from '../../container/port.ts';
import { isValidBranch } from '../../core/branch.ts';
import { muxSessionId, SESSION_ID } from '../../core/identifiers.ts';
import { repositoryId } from '../../core/repository.ts';
import { formatTime } from '../../core/time.ts';
import { HeadjackError } from '../../errors.ts';
import { listFolder, realPathOf } from '../../process/files.ts';
import { readUntrusted } from '../../process/regular-file.ts';
import { instanceFiles, sessionFiles } from '../../session/files.ts';
import { loadRecord } from '../../session/record.ts';
import { endEverything } from '../end-sessions.ts';
import { belongsTo } from '../find-instance.ts';
import { removeInstance } from '../remove.ts';
import { removeFiles } from '../remove-traces.ts';
import type { Services } from '../services.ts';
import { placesOf } from '../session-states.ts';
import { found, type Found } from './finding.ts';
import { isBelow, type KnownWorktree, type World } from './world.ts';

/** What is left of an instance that the catalog does not know. */
interface Orphan {
  readonly id: string;
  readonly container: ContainerSummary | undefined;
  readonly labels: InstanceLabels | undefined;
  readonly worktree: KnownWorktree | undefined;
}

/**
 * Containers with our owner label and worktrees with our lock in our folder that no entry knows. What they hold is the user's:
 * adopting and removing are for the user to say. A worktree of which nothing else is ours may be another state root's.
 */
export function judgeOrphans(services: Services, world: World): Found[] {
  return findOrphans(services, world).map(orphan => {
    const { id, container, labels, worktree } = orphan;
    const ours = container !== undefined || world.states.has(id) || world.logs.has(id);
    const evidence = [
      ...(container === undefined ? [] : [`container ${container.name}, ${container.state}`]),
      ...(worktree === undefined
        ? []
        : [`worktree ${worktree.path}${fs.existsSync(worktree.path) ? '' : ', which is gone'}`]),
      ...(ours ? [] : ['nothing else of this id is known here: it may belong to another state root']),
    ];
    const branch = worktree === undefined ? undefined : branchOf(orphan);
    const adoptable = worktree !== undefined && fs.existsSync(worktree.path) && branch !== undefined;
    return found({
      code: 'instance-orphan',
      subject: labels?.branch ?? branch ?? id,
      id,
      evidence,
      repair: adoptable
        ? `keep it: hjk doctor --fix --adopt ${id}, or remove it: hjk doctor --fix --remove ${id}`
        : `remove it: hjk doctor --fix --remove ${id}`,
      risk: 'deletes files',
      ...(adoptable ? { adopt: () => adopt(services, orphan).then(() => undefined) } : {}),
      ...(ours ? { remove: () => removeOrphan(services, orphan) } : {}),
    });
  });
}

function findOrphans(services: Services, world: World): Orphan[] {
  const known = new Set(world.entries.map(entry => entry.id));
  const places = new Set(world.entries.map(entry => realPathOf(entry.worktree)));
  const orphans = new Map<string, Orphan>();
  for (const container of world.containers ?? []) {
    const labels = parseLabels(container.labels, services.owner);
    if (labels === undefined || known.has(labels.instance)) continue;
    const worktree = world.worktrees.find(w => realPathOf(w.path) === realPathOf(labels.worktree));
    const free = worktree !== undefined && !places.has(realPathOf(worktree.path));
    orphans.set(labels.instance, {
      id: labels.instance,
      container,
      labels,
      worktree: free ? worktree : undefined,
    });
  }
  const foreign = new Set(
    (world.containers ?? [])
      .filter(c => parseLabels(c.labels, services.owner) === undefined)
      .flatMap(c => c.sources.map(realPathOf)),
  );
  for (const worktree of world.worktrees) {
    const id = /^headjack ([0-9a-f]{8})$/.exec(worktree.lock ?? '')?.[1];
    const place = realPathOf(worktree.path);
    if (id === undefined || known.has(id) || orphans.has(id) || places.has(place) || foreign.has(place))
      continue;
    if (!isBelow(place, realPathOf(services.paths.worktrees))) continue;
    orphans.set(id, { id, container: undefined, labels: undefined, worktree });
  }
  return [...orphans.values()];
}

/** The branch that the worktree is on, else the one that the container's label names. */
function branchOf({ worktree, labels }: Orphan): string | undefined {
  if (labels !== undefined) return isValidBranch(labels.branch) ? labels.branch : undefined;
  const head = readUntrusted(path.join(worktree?.folder ?? '', 'HEAD'));
  const branch = /^ref: refs\/heads\/(.+)$/m.exec(head ?? '')?.[1];
  return branch !== undefined && isValidBranch(branch) ? branch : undefined;
}

/** Puts it back into the catalog, with those of its sessions that have not ended. @throws HeadjackError instance_exists */
async function adopt(services: Services, orphan: Orphan): Promise<InstanceEntry> {
  const { id, container, worktree } = orphan;
  const branch = branchOf(orphan);
  if (worktree === undefined || branch === undefined)
    throw new HeadjackError('unexpected', `${id} has no worktree that could be adopted`);
  const { repository } = worktree;
  const now = formatTime(services.now());
  return services.catalog.update(draft => {
    const siblings = draft.entries.filter(entry => belongsTo(entry, repository));
    if (siblings.some(entry => entry.branch === branch))
      throw new HeadjackError('instance_exists', `branch "${branch}" has an instance already`, {
        hint: `hjk rm ${branch}, then again; or: hjk doctor --fix --remove ${id}`,
      });
    const entry: InstanceEntry = {
      id,
      repo: repository.root,
      repo_id: siblings[0]?.repo_id ?? repositoryId(repository),
      branch,
      worktree: worktree.path,
      container_id: container?.id ?? '',
      created_at: now,
      status: container?.state === 'running' ? 'running' : 'stopped',
      sessions: loadSessions(services, id, now),
    };
    draft.entries.push(entry);
    return structuredClone(entry);
  });
}

function loadSessions(services: Services, id: string, now: string): SessionEntry[] {
  const places = placesOf(services);
  const ids = listFolder(instanceFiles(places, id).folder)
    .filter(name => name.endsWith('.json') && name !== 'spec.json')
    .map(name => name.slice(0, -'.json'.length))
    .filter(name => SESSION_ID.test(name));
  return ids.flatMap(session => {
    const record = loadRecord(sessionFiles(places, id, session).record);
    if (record === undefined || record.ended_at !== undefined || record.id !== session) return [];
    const { name, type, started_at } = record;
    return [
      {
        id: session,
        name,
        type,
        mux_session_id: muxSessionId(id, session),
        created_at: started_at,
        last_accessed: now,
      },
    ];
  });
}

/** With a worktree: as `rm --force` does it, which stores its work first. */
async function removeOrphan(services: Services, orphan: Orphan): Promise<void> {
  const { id, container, worktree } = orphan;
  if (worktree !== undefined) {
    const branch = branchOf(orphan) ?? `orphan-${id}`;
    const entry = await adopt(services, { ...orphan, labels: orphan.labels ?? labelsFor(orphan, branch) });
    await removeInstance(
      { ...services, repository: worktree.repository },
      {
        branch: entry.branch,
        force: true,
        yes: true,
        deleteBranch: false,
        includeIgnored: false,
        confirm: () => Promise.resolve(true),
      },
    );
    return;
  }
  if (container !== undefined) {
    const runtime = await services.runtime();
    if (container.state === 'running') await endEverything(services, { id, sessions: [] }, container.id);
    await runtime.remove(container.id);
  }
  await removeRemains(services, id);
}

function labelsFor({ id, worktree }: Orphan, branch: string): InstanceLabels {
  return {
    instance: id,
    repo: worktree?.repository.root ?? '/',
    branch,
    worktree: worktree?.path ?? '/',
    owner: '',
  };
}

/** Terminals, files and logs of an instance of which nothing else is left. */
export async function removeRemains(services: Services, id: string): Promise<void> {
  await services.host.closeAll(id);
  removeFiles(services, id);
}

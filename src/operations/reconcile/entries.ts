import type { InstanceEntry } from '../../catalog/types.ts';
import { isOurs } from '../../container/labels.ts';
import { printable } from '../../core/printable.ts';
import { commonDirOf } from '../../git/discover.ts';
import { lockReason } from '../../git/metadata.ts';
import { realPathOf } from '../../process/files.ts';
import { instanceFiles } from '../../session/files.ts';
import { loadSpec } from '../instance-spec.ts';
import { endSession, removeSessionEntry } from '../kill.ts';
import { findLiftedMasks } from '../masks.ts';
import { isOutdated } from '../own-git-directory.ts';
import type { Services } from '../services.ts';
import { placesOf, viewSessions } from '../session-states.ts';
import { found, type Found } from './finding.ts';
import { judgeInstance, type InstanceState } from './instance-state.ts';
import { planSettling, settle } from './settle.ts';
import type { World } from './world.ts';

/** What is not as it should be with the instances that the catalog knows. */
export async function judgeEntries(services: Services, world: World): Promise<Found[]> {
  const judged = await Promise.all(
    world.entries.map(async entry => {
      const state = judgeInstance(entry, world.containers, services);
      if (state.holder !== 'none') return judgeOperation(services, entry, state);
      return [
        ...judgeStatus(services, world, entry, state),
        ...judgeWorktree(services, world, entry, state),
        ...judgeGitDirectory(services, entry, state),
        ...(await judgeSessions(services, world, entry, state)),
      ];
    }),
  );
  return judged.flat();
}

function judgeOperation(services: Services, entry: InstanceEntry, state: InstanceState): Found[] {
  const { operation } = entry;
  if (operation === undefined || state.holder === 'live' || state.holder === 'foreign') return [];
  const who = `hjk ${operation.kind}, pid ${String(operation.pid)}, since ${operation.since}`;
  if (state.holder === 'stopped')
    return [
      found({
        code: 'operation-suspended',
        severity: 'note',
        subject: entry.branch,
        evidence: [who],
        repair: `resume it: kill -CONT ${String(operation.pid)}`,
      }),
    ];
  const plan = planSettling(entry);
  return [
    found({
      code: 'operation-dead',
      subject: entry.branch,
      id: entry.id,
      evidence: [`${who}, is gone`],
      repair: plan ?? `remove it: hjk rm ${entry.branch} --force`,
      ...(plan === undefined ? {} : { fix: () => settle(services, entry) }),
    }),
  ];
}

function judgeStatus(services: Services, world: World, entry: InstanceEntry, state: InstanceState): Found[] {
  if (world.containers === undefined) return [];
  const subject = entry.branch;
  const id = entry.id;
  const named = world.containers.find(c => c.id === entry.container_id);
  const result: Found[] = [];
  const record = { repair: 'record what the engine says', fix: () => settle(services, entry) };
  const runs = state.container?.state === 'running';
  if (named !== undefined && state.container === undefined)
    result.push(
      found({
        code: 'container-stranger',
        subject,
        id,
        evidence: [`container ${named.name} has neither our labels nor the worktree`],
        repair: `make the instance anew: hjk rm ${subject} && hjk run ${subject}`,
      }),
    );
  else if (entry.status === 'running' && state.container === undefined)
    result.push(
      found({
        code: 'container-gone',
        subject,
        id,
        evidence: [`container ${entry.container_id.slice(0, 12)}`],
        ...record,
      }),
    );
  else if (entry.status === 'error' && state.container === undefined)
    result.push(
      found({
        code: 'instance-failed',
        severity: 'note',
        subject,
        id,
        repair: `hjk run ${subject}, or hjk rm ${subject}`,
      }),
    );
  else if ((entry.status === 'running') !== runs || entry.status === 'error' || entry.status === 'creating')
    result.push(
      found({
        code: 'status-differs',
        subject,
        id,
        evidence: [`catalog: ${entry.status}; engine: ${runs ? 'running' : 'stopped'}`],
        ...record,
      }),
    );
  const doubles = world.containers.filter(
    c => isOurs(c.labels, entry.id, services.owner) && c.id !== state.container?.id,
  );
  for (const double of doubles)
    result.push(
      found({
        code: 'container-double',
        subject,
        id: double.id.slice(0, 12),
        evidence: [`container ${double.name}, ${double.fresh ? 'which never ran' : double.state}`],
        repair: 'remove the container',
        risk: 'deletes files',
        ...(double.fresh
          ? { fix: async () => (await services.runtime()).remove(double.id) }
          : { remove: async () => (await services.runtime()).remove(double.id) }),
      }),
    );
  return result;
}

function judgeWorktree(
  services: Services,
  world: World,
  entry: InstanceEntry,
  state: InstanceState,
): Found[] {
  const subject = entry.branch;
  const { id } = entry;
  const repository = commonDirOf(entry.repo);
  if (repository === undefined)
    return [
      found({
        code: 'repository-gone',
        subject,
        id,
        evidence: [entry.repo],
        repair: `bring it back to its place; where it was moved: git -C <its new place> worktree repair ${entry.worktree}; where it is gone for good: hjk rm ${id} --force`,
      }),
    ];
  const wanted = realPathOf(entry.worktree);
  const worktree = world.worktrees.find(w => realPathOf(w.path) === wanted);
  if (worktree === undefined || !state.worktree)
    return [
      found({
        code: 'worktree-gone',
        subject,
        id,
        evidence: [
          worktree === undefined ? `git knows no worktree at ${entry.worktree}` : `${entry.worktree} is gone`,
        ],
        repair: `remove the instance; commits that only it held are stored: hjk rm ${subject} --force`,
      }),
    ];
  if (worktree.lock === undefined)
    return [
      found({
        code: 'worktree-unlocked',
        subject,
        id,
        evidence: [`${worktree.folder}/locked is missing`],
        repair: 'lock it',
        fix: async () => {
          (await services.keeper()).lock(worktree, lockReason(entry.id));
        },
      }),
    ];
  return [];
}

/** Of the older kind, which has the repository's own behind masks. */
function judgeGitDirectory(services: Services, entry: InstanceEntry, state: InstanceState): Found[] {
  const spec = loadSpec(instanceFiles(placesOf(services), entry.id).spec);
  if (state.container === undefined || spec === undefined) return [];
  const shared = found({
    code: 'git-shared',
    severity: 'note',
    subject: entry.branch,
    id: entry.id,
    repair: `give it one of its own: hjk recreate ${entry.branch}`,
    risk: 'ends programs',
  });
  const lifted = state.container.state === 'running' ? findLiftedMasks(spec.masked) : [];
  if (lifted.length === 0) return isOutdated(services, spec) ? [shared] : [];
  return [
    found({
      code: 'mask-lifted',
      subject: entry.branch,
      id: entry.id,
      evidence: lifted.map(file => `${file} can be written by the container`),
      repair: `hjk stop ${entry.branch} && hjk run ${entry.branch}`,
      risk: 'ends programs',
    }),
  ];
}

async function judgeSessions(
  services: Services,
  world: World,
  entry: InstanceEntry,
  state: InstanceState,
): Promise<Found[]> {
  if (world.containers === undefined) return [];
  const views = await viewSessions(services, entry, state.container?.state === 'running');
  return views
    .filter(view => view.state === 'lost')
    .map(({ session }) =>
      found({
        code: 'session-lost',
        subject: `${entry.branch}/${printable(session.name)}`,
        id: session.id,
        evidence: ['its pump is gone, and no exit code was recorded'],
        repair: `end it: hjk kill ${entry.branch}/${session.name}`,
        risk: 'ends programs',
        remove: async () => {
          const left = await endSession(services, entry, session);
          if (left !== undefined) throw new Error(`it still runs: ${left}`);
          await removeSessionEntry(services, entry.id, session.id);
        },
      }),
    );
}

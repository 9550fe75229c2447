import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { holdsObjects } from '../../git-directory/own-objects.ts';
import { gitDirectoryPlaces } from '../../git-directory/places.ts';
import { probeMaker } from '../../container/labels.ts';
import { isLeftTemp, listFolder, realPathOf } from '../../process/files.ts';
import { isAlive, ownUid, parseIdentity } from '../../process/identity.ts';
import { readUntrusted } from '../../process/regular-file.ts';
import { judgeMaker } from '../../process/maker-tag.ts';
import { SCRATCH_PREFIX } from '../../process/scratch.ts';
import { instanceFiles, sessionFiles } from '../../session/files.ts';
import { loadRecord } from '../../session/record.ts';
import { isMounted, removeOwnFolder } from '../remove-traces.ts';
import type { Services } from '../services.ts';
import { placesOf } from '../session-states.ts';
import { found, type Found, type Repair } from './finding.ts';
import { removeRemains } from './orphans.ts';
import type { World } from './world.ts';

/** What killed processes left lying: files, sockets, helper containers. None of it is anybody's work. */
export async function judgeLeftovers(
  services: Services,
  world: World,
  orphans: ReadonlySet<string>,
): Promise<Found[]> {
  return [
    ...judgeRemains(services, world, orphans),
    ...judgeStrays(services, world),
    ...judgeInstanceFiles(services, world),
    ...judgeScratch(),
    ...judgeProbes(services, world),
    ...(await judgeGuards(services, world)),
    ...(await judgeConfigLocks(services, world)),
    ...(await judgeMarkers(services)),
  ];
}

const removing =
  (file: string): Repair =>
  () => {
    removeOwnFolder(file);
  };

/** State, logs and terminals of an id that nothing else has. Logs may be wanted: they go only where the user says so. */
function judgeRemains(services: Services, world: World, orphans: ReadonlySet<string>): Found[] {
  const known = new Set([...world.entries.map(entry => entry.id), ...orphans]);
  const places = placesOf(services);
  const ids = new Set([...world.states, ...world.logs, ...world.terminals]);
  return [...ids]
    .filter(id => !known.has(id))
    .map(id => {
      const files = instanceFiles(places, id);
      const logs = listFolder(files.logs).length;
      const { directory } = gitDirectoryPlaces(files.folder);
      const work = holdsObjects(directory);
      const remove = (): Promise<void> => removeRemains(services, id);
      const evidence = [
        ...(world.states.has(id) ? [files.folder] : []),
        ...(world.terminals.has(id) ? ['a tmux socket'] : []),
        ...(logs > 0 ? [`${files.logs} with ${String(logs)} logs`] : []),
        ...(work ? [`${directory}, which may hold commits that are nowhere else`] : []),
      ];
      return found({
        code: world.terminals.has(id) && !world.states.has(id) && logs === 0 ? 'terminal-left' : 'files-left',
        subject: id,
        id,
        evidence,
        risk: logs > 0 || work ? 'deletes files' : 'none',
        ...(logs > 0 || work
          ? { repair: `remove them: hjk doctor --fix --remove ${id}`, remove }
          : { repair: 'remove them', fix: remove }),
      });
    });
}

/** What lies among the worktrees and is none of the catalog's. Reported only: nobody knows whose it is. */
function judgeStrays(services: Services, world: World): Found[] {
  const known = new Set(
    [...world.entries.map(entry => entry.worktree), ...world.worktrees.map(w => w.path)].map(realPathOf),
  );
  return world.folders
    .filter(folder => !known.has(realPathOf(folder)))
    .filter(folder => {
      const being = /^(.+)\.hjk-(?:removing|deleting)-([0-9a-f]{8})$/.exec(folder);
      return being === null || !world.entries.some(entry => entry.id === being[2]);
    })
    .map(folder => {
      const ours = /\.hjk-(removing|deleting)-/.test(folder);
      return found({
        code: 'folder-stray',
        severity: ours ? 'problem' : 'note',
        subject: folder,
        evidence: [ours ? 'what is left of a removal' : 'git knows no worktree there'],
        repair: `look at it, then: rm -r ${folder}`,
        risk: 'deletes files',
      });
    });
}

/** Orders that nobody took (they hold variables), temp files, and what `exec --no-mux` left. */
function judgeInstanceFiles(services: Services, world: World): Found[] {
  const places = placesOf(services);
  return world.entries.flatMap(entry => {
    const { folder } = instanceFiles(places, entry.id);
    return listFolder(folder).flatMap(name => {
      const file = path.join(folder, name);
      const repair = { repair: 'remove it', fix: removing(file) };
      if (isLeftTemp(name)) return [found({ code: 'temp-left', subject: file, ...repair })];
      if (name.endsWith('.start')) {
        const record = loadRecord(sessionFiles(places, entry.id, name.slice(0, -'.start'.length)).record);
        if (record !== undefined && record.ended_at === undefined && isAlive(record.pump ?? record.starter))
          return [];
        return [found({ code: 'order-left', subject: file, ...repair })];
      }
      return [];
    });
  });
}

/** Private index files of git. */
function judgeScratch(): Found[] {
  return listFolder(os.tmpdir())
    .filter(name => name.startsWith(SCRATCH_PREFIX))
    .map(name => path.join(os.tmpdir(), name))
    .filter(folder => {
      const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
      const mine = stat?.isDirectory() === true && stat.uid === ownUid();
      return mine && judgeMaker(path.basename(folder)) === 'dead';
    })
    .map(folder => found({ code: 'temp-left', subject: folder, repair: 'remove it', fix: removing(folder) }));
}

function judgeProbes(services: Services, world: World): Found[] {
  return (world.containers ?? []).flatMap(container => {
    const maker = probeMaker(container.labels, services.owner);
    if (maker === undefined) return [];
    const identity = parseIdentity(maker);
    if (identity !== undefined && isAlive(identity)) return [];
    return [
      found({
        code: 'probe-left',
        subject: container.name,
        evidence: ['its maker is gone; it never ran'],
        repair: 'remove it',
        fix: async () => (await services.runtime()).remove(container.id),
      }),
    ];
  });
}

/** The guard serves as long as any container, of whatever state root, has the repository. */
async function judgeGuards(services: Services, world: World): Promise<Found[]> {
  const { containers } = world;
  if (containers === undefined) return [];
  const keeper = await services.keeper();
  return [...world.repositories.values()]
    .filter(({ commonDir }) => readUntrusted(path.join(commonDir, 'commondir')) === '.\n')
    .filter(repository => !isMounted(containers, repository))
    .filter(({ root }) => !world.entries.some(entry => entry.repo === root))
    .map(({ commonDir }) =>
      found({
        code: 'guard-left',
        subject: path.join(commonDir, 'commondir'),
        evidence: ['no container has the repository'],
        repair: 'remove it',
        fix: () => {
          keeper.unguard(commonDir);
        },
      }),
    );
}

/** A lock of ours on a repository's configuration keeps every git from changing it; temp files beside it. */
async function judgeConfigLocks(services: Services, world: World): Promise<Found[]> {
  const keeper = await services.keeper();
  return [...world.repositories.keys()].flatMap(commonDir => {
    const lock = keeper.findLeftLock(commonDir);
    const temps = listFolder(commonDir)
      .filter(name => name.includes('.hjk.') && isLeftTemp(name))
      .map(name => path.join(commonDir, name));
    return [...(lock === undefined ? [] : [lock]), ...temps].map(file =>
      found({ code: 'temp-left', subject: file, repair: 'remove it', fix: removing(file) }),
    );
  });
}

/** Markers of dead processes beside the catalog: an update removes those that are in its way. */
async function judgeMarkers(services: Services): Promise<Found[]> {
  const stale = await services.staleLocks();
  if (stale.length === 0) return [];
  return [
    found({
      code: 'lock-stale',
      subject: services.paths.catalog,
      evidence: stale.map(s => s.name),
      repair: 'remove them',
      fix: () => {
        for (const marker of stale) marker.remove();
      },
    }),
  ];
}

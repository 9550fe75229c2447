import fs from 'node:fs';
import type { InstanceEntry } from '../../catalog/types.ts';
import { SESSION_ID } from '../../core/identifiers.ts';
import { printable } from '../../core/printable.ts';
import { HeadjackError } from '../../errors.ts';
import { listFolder } from '../../process/files.ts';
import { readIfThere } from '../../process/regular-file.ts';
import { isAlive, parseIdentity } from '../../process/identity.ts';
import { cookieScript } from '../../session/in-container.ts';
import { instanceFiles, sessionFiles } from '../../session/files.ts';
import { findContainer } from '../find-container.ts';
import { runKiller } from '../end-sessions.ts';
import { loadSpec } from '../instance-spec.ts';
import type { Services } from '../services.ts';
import { placesOf } from '../session-states.ts';
import { found, type Found } from './finding.ts';
import type { World } from './world.ts';

/** Programs in the containers that no session of the catalog, and no living `exec --no-mux`, answers for. */
export async function judgePrograms(services: Services, world: World): Promise<Found[]> {
  const { containers } = world;
  if (containers === undefined) return [];
  const judged = await Promise.all(
    world.entries
      .filter(entry => entry.operation === undefined)
      .map(async entry => {
        const container = findContainer(containers, entry, services);
        const running = container?.state === 'running' ? container.id : undefined;
        const programs = running === undefined ? [] : await listPrograms(services, entry, running);
        return judgeInstancePrograms(services, entry, running, programs);
      }),
  );
  return judged.flat();
}

interface Program {
  readonly session: string;
  readonly what: string;
}

async function listPrograms(services: Services, entry: InstanceEntry, container: string): Promise<Program[]> {
  const spec = loadSpec(instanceFiles(placesOf(services), entry.id).spec);
  try {
    const { output } = await services.exec.capture({
      container,
      command: ['sh', '-c', cookieScript],
      env: [],
      user: spec?.user,
      workdir: '/',
    });
    return output.split('\n').flatMap(line => {
      const [session = '', pid, ...name] = line.trim().split(' ');
      return SESSION_ID.test(session) && pid !== undefined
        ? [{ session, what: `${pid} (${printable(name.join(' '))})` }]
        : [];
    });
  } catch (error) {
    if (error instanceof HeadjackError) return []; // stopped meanwhile, or without a shell: nothing of ours runs there
    throw error;
  }
}

function judgeInstancePrograms(
  services: Services,
  entry: InstanceEntry,
  container: string | undefined,
  programs: readonly Program[],
): Found[] {
  const places = placesOf(services);
  const carriers = listFolder(instanceFiles(places, entry.id).folder)
    .filter(name => name.endsWith('.plain'))
    .map(name => name.slice(0, -'.plain'.length));
  const end = async (id: string): Promise<void> => {
    if (container !== undefined) {
      const { clean, left } = await runKiller(services, { container, instanceId: entry.id }, 'kill', id);
      if (!clean) throw new HeadjackError('kill_failed', `it still runs: ${left}`);
    }
    fs.rmSync(sessionFiles(places, entry.id, id).plain, { force: true });
  };
  const result: Found[] = [];
  const alive = new Set<string>();
  for (const id of carriers) {
    if (carrierLives(sessionFiles(places, entry.id, id).plain)) alive.add(id);
    else
      result.push(
        found({
          code: 'plain-left',
          subject: entry.branch,
          id,
          evidence: [
            'the hjk that carried its streams is gone',
            ...programs.filter(p => p.session === id).map(p => p.what),
          ],
          repair: 'end what is left of it, as that hjk would have',
          risk: 'ends programs',
          fix: () => end(id),
        }),
      );
  }
  const known = new Set([...entry.sessions.map(session => session.id), ...carriers]);
  const stray = groupBySession(programs);
  for (const [id, those] of stray) {
    if (known.has(id)) continue;
    result.push(
      found({
        code: 'program-orphan',
        subject: entry.branch,
        id,
        evidence: those.map(p => p.what),
        repair: `end it: hjk doctor --fix --remove ${id}`,
        risk: 'ends programs',
        remove: () => end(id),
      }),
    );
  }
  return result;
}

function groupBySession(programs: readonly Program[]): Map<string, Program[]> {
  const groups = new Map<string, Program[]>();
  for (const program of programs)
    groups.set(program.session, [...(groups.get(program.session) ?? []), program]);
  return groups;
}

function carrierLives(file: string): boolean {
  const carrier = parseIdentity(readIfThere(file) ?? '');
  return carrier !== undefined && isAlive(carrier);
}

import type { InstanceEntry, SessionEntry } from '../catalog/types.ts';
import { formatTime } from '../core/time.ts';
import { HeadjackError } from '../errors.ts';
import { isAlive, type ProcessIdentity } from '../process/identity.ts';
import { poll, sleep } from '../process/sleep.ts';
import { sessionFiles } from '../session/files.ts';
import { loadRecord, orderEnd } from '../session/record.ts';
import { findContainer } from './find-container.ts';
import { awaitPump, endProcess, runKiller } from './end-sessions.ts';
import { findSession, requireInstance, requireRepository, sessionNotFound } from './find-instance.ts';
import { placesOf } from './session-states.ts';
import type { Services } from './services.ts';

/** `<branch>/<session>`: the session is what follows the last slash. @throws HeadjackError usage */
export function parseKillTarget(text: string): { branch: string; session: string } {
  const slash = text.lastIndexOf('/');
  const branch = text.slice(0, Math.max(0, slash));
  const session = text.slice(slash + 1);
  if (slash <= 0 || session === '') {
    throw new HeadjackError('usage', `invalid format: expected <branch>/<session>, got "${text}"`, {
      hint: 'hjk ps <branch> lists the sessions',
    });
  }
  return { branch, session };
}

/** Ends a session's whole tree, proves that it is gone, and takes it off the list. Its log stays. */
export async function killSession(
  services: Services,
  target: { branch: string; session: string },
): Promise<{ entry: InstanceEntry; session: SessionEntry }> {
  const repository = requireRepository(services);
  const entry = await services.catalog.read(catalog =>
    structuredClone(requireInstance(catalog, repository, target.branch)),
  );
  const session = findSession(entry, target.session);
  if (session === undefined) throw sessionNotFound(entry, target.session);
  const left = await endSession(services, entry, session);
  if (left !== undefined) {
    throw new HeadjackError('kill_failed', `session ${session.name} still runs: ${left}`, {
      hint: `hjk stop ${entry.branch}`,
      details: { processes: left },
    });
  }
  await removeSessionEntry(services, entry.id, session.id);
  return { entry, session };
}

/** Takes a session off the list; gone already is fine. */
export async function removeSessionEntry(
  services: Services,
  instanceId: string,
  sessionId: string,
): Promise<void> {
  await services.catalog.update(draft => {
    const entry = draft.entries.find(e => e.id === instanceId);
    if (entry !== undefined) entry.sessions = entry.sessions.filter(s => s.id !== sessionId);
  });
}

/**
 * Ends what a session runs, its pump and its terminal. Undefined once it is proved that nothing is left, else what is.
 * A container that does not run is the proof. @throws HeadjackError engine_unreachable
 */
export async function endSession(
  services: Services,
  entry: InstanceEntry,
  session: Pick<SessionEntry, 'id' | 'mux_session_id' | 'name'>,
): Promise<string | undefined> {
  const files = sessionFiles(placesOf(services), entry.id, session.id);
  orderEnd(files.end, 'killed', formatTime(services.now()));
  const container = findContainer(await services.lister.list(), entry, services);
  const at = container?.state === 'running' ? { container: container.id, instanceId: entry.id } : undefined;
  let killed =
    at === undefined ? { clean: true, left: '' } : await runKiller(services, at, 'kill', session.id);
  const ended = await awaitPump(files.record, 1000);
  const pump = loadRecord(files.record)?.pump;
  if (!ended && pump !== undefined) await endProcess(pump);
  await services.host.close({ instanceId: entry.id, muxId: session.mux_session_id, title: session.name });
  if (loadRecord(files.record) === undefined) await services.defaultServer.close(session.mux_session_id);
  // the pump may have started its program after the first scan: with it dead, two empty scans are the proof
  for (let scan = 0; at !== undefined && killed.clean && scan < 2; scan++) {
    if (scan > 0) await sleep(100);
    killed = await runKiller(services, at, 'scan', session.id);
    if (!killed.clean && scan === 0) killed = await runKiller(services, at, 'kill', session.id);
  }
  if (pump !== undefined && (await outlasts(pump))) return `its pump, pid ${String(pump.pid)}`;
  if (killed.clean || at === undefined) return undefined;
  return killAgain(services, entry, session.id, at);
}

/** A pump that has written its end carries what was committed last, for a moment: then it may be ended too, at any point. */
async function outlasts(pump: ProcessIdentity): Promise<boolean> {
  await poll(() => (isAlive(pump) ? undefined : true), { everyMs: 20, limitMs: LAST_PASS_MS });
  await endProcess(pump);
  return isAlive(pump);
}

const LAST_PASS_MS = 3000;

/** How often a killer that said nothing is sent again. */
const TRIES = 10;

/**
 * The killer itself goes with a container that another hjk stops meanwhile, before the engine's list says so: what does not run
 * is the proof, and only what a killer names is known to be left.
 */
async function killAgain(
  services: Services,
  entry: InstanceEntry,
  sessionId: string,
  at: { container: string; instanceId: string },
): Promise<string | undefined> {
  for (let i = 0; i < TRIES; i++) {
    if (findContainer(await services.lister.list(), entry, services)?.state !== 'running') return undefined;
    const { clean, left } = await runKiller(services, at, 'kill', sessionId);
    if (clean) return undefined;
    if (left !== '') return left;
    await sleep(100);
  }
  return 'what looks for its programs is ended each time';
}

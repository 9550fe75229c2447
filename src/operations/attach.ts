import type { InstanceEntry, SessionEntry } from '../catalog/types.ts';
import { formatTime, parseTime } from '../core/time.ts';
import { HeadjackError } from '../errors.ts';
import { poll } from '../process/sleep.ts';
import { isAlive } from '../process/identity.ts';
import { sessionFiles } from '../session/files.ts';
import { loadJudged, loadRecord } from '../session/record.ts';
import { isLive } from '../session/state.ts';
import { findContainer } from './find-container.ts';
import { findSession, requireInstance, requireRepository, sessionNotFound } from './find-instance.ts';
import { removeSessionEntry } from './kill.ts';
import type { Services } from './services.ts';
import { placesOf, viewSessions } from './session-states.ts';

/** @throws HeadjackError terminal_required */
export function requireTerminal(services: Services, instead: string): void {
  if (services.terminal.stdin && services.terminal.stdout) return;
  throw new HeadjackError('terminal_required', 'this needs a terminal', { hint: instead });
}

/** The session used last: everywhere, of a branch, or the one that is named. Without a name only live ones count. */
export async function chooseSession(
  services: Services,
  wanted: { branch: string | undefined; session: string | undefined },
): Promise<{ entry: InstanceEntry; session: SessionEntry }> {
  const { branch } = wanted;
  if (branch === undefined) {
    const entries = await services.catalog.read(catalog => structuredClone(catalog.entries));
    const found = await newestLive(services, entries);
    if (found !== undefined) return found;
    throw new HeadjackError('session_not_found', 'no sessions exist', {
      hint: 'hjk exec <branch> opens one',
    });
  }
  const repository = requireRepository(services);
  const entry = await services.catalog.read(catalog =>
    structuredClone(requireInstance(catalog, repository, branch)),
  );
  if (wanted.session === undefined) {
    const found = await newestLive(services, [entry]);
    if (found !== undefined) return found;
    throw new HeadjackError('session_not_found', `no sessions exist for branch "${branch}"`, {
      hint: `hjk exec ${branch} opens one`,
    });
  }
  const session = findSession(entry, wanted.session);
  if (session === undefined) throw sessionNotFound(entry, wanted.session);
  return { entry, session };
}

async function newestLive(
  services: Services,
  entries: readonly InstanceEntry[],
): Promise<{ entry: InstanceEntry; session: SessionEntry } | undefined> {
  const all = entries
    .flatMap(entry => entry.sessions.map(session => ({ entry, session })))
    .sort((a, b) => parseTime(b.session.last_accessed) - parseTime(a.session.last_accessed));
  const containers = all.length === 0 ? [] : await services.lister.list();
  for (const candidate of all) {
    const runs = findContainer(containers, candidate.entry, services)?.state === 'running';
    const [view] = await viewSessions(services, { ...candidate.entry, sessions: [candidate.session] }, runs);
    if (view !== undefined && isLive(view.state) && view.state !== 'lost') return candidate;
  }
  return undefined;
}

export interface Attached {
  /** Of `hjk`: 0 on detach, the program's if it ended. */
  readonly code: number;
  /** The program ended before its terminal could be shown. */
  readonly unseen: boolean;
}

/** Shows a session until the user leaves or it ends. */
export async function attachSession(
  services: Services,
  entry: InstanceEntry,
  session: SessionEntry,
): Promise<Attached> {
  const hosted = {
    instanceId: entry.id,
    muxId: session.mux_session_id,
    title: `${entry.branch} · ${session.name}`,
  };
  const files = sessionFiles(placesOf(services), entry.id, session.id);
  const before = loadRecord(files.record);
  if (before?.ended_at !== undefined) throw ended(entry, session);
  const looking = (await services.host.clients(entry.id)).has(session.mux_session_id);
  if (!looking && before === undefined && (await isForeign(services, session)))
    return { code: await attachForeign(services, entry, session), unseen: false };
  if (looking) {
    await noteAccess(services, entry, session);
    await services.host.attach(hosted);
  }
  return { code: await afterAttach(services, entry, session, looking), unseen: !looking };
}

async function noteAccess(services: Services, entry: InstanceEntry, session: SessionEntry): Promise<void> {
  await services.catalog.update(draft => {
    const found = draft.entries.find(e => e.id === entry.id)?.sessions.find(s => s.id === session.id);
    if (found !== undefined) found.last_accessed = formatTime(services.now());
  });
}

/** Whether it is one of the original's, on tmux's default server. */
async function isForeign(services: Services, session: SessionEntry): Promise<boolean> {
  return (await services.defaultServer.clients()).has(session.mux_session_id);
}

/** Nothing tells how a session of the original's ended: its end is 0. */
async function attachForeign(
  services: Services,
  entry: InstanceEntry,
  session: SessionEntry,
): Promise<number> {
  await noteAccess(services, entry, session);
  await services.defaultServer.attach(session.mux_session_id);
  if (!(await isForeign(services, session))) await removeSessionEntry(services, entry.id, session.id);
  return 0;
}

/** What became of the session while we looked at it: its file tells, never tmux. */
async function afterAttach(
  services: Services,
  entry: InstanceEntry,
  session: SessionEntry,
  looked: boolean,
): Promise<number> {
  const files = sessionFiles(placesOf(services), entry.id, session.id);
  const hosted = (await services.host.clients(entry.id)).has(session.mux_session_id);
  const record = await poll(
    () => {
      const { record: found, carried } = loadJudged(files.record);
      const known = hosted || found === undefined || found.ended_at !== undefined;
      return known || (found.pump !== undefined && !carried) ? { found } : undefined;
    },
    { everyMs: 10, limitMs: looked ? 1000 : 3000 },
  );
  const found = record?.found ?? loadRecord(files.record);
  if (found?.ended_at !== undefined) {
    await removeSessionEntry(services, entry.id, session.id);
    if (found.reason === 'failed')
      throw new HeadjackError(
        'session_failed',
        `session ${session.name} did not start: ${found.error ?? 'unknown reason'}`,
        { hint: `hjk ps ${entry.branch}` },
      );
    if (found.exit_code !== undefined) return found.exit_code;
    if (found.reason !== 'lost') return 0;
  }
  if (found === undefined && !hosted) throw ended(entry, session);
  const pumpAlive = found?.pump !== undefined && isAlive(found.pump);
  if (hosted && pumpAlive) return 0;
  throw new HeadjackError(
    'session_failed',
    pumpAlive
      ? `the terminal of session ${session.name} is gone; its program runs on`
      : `it is not known how session ${session.name} ended; its program may still run`,
    {
      hint: pumpAlive
        ? `hjk logs ${entry.branch} ${session.name} -f, or hjk kill ${entry.branch}/${session.name}`
        : `hjk kill ${entry.branch}/${session.name}`,
    },
  );
}

function ended(entry: InstanceEntry, session: SessionEntry): HeadjackError {
  return new HeadjackError('session_ended', `session ${session.name} has ended`, {
    hint: `hjk logs ${entry.branch} ${session.name}`,
  });
}

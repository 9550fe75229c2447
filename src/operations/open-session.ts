import fs from 'node:fs';
import type { InstanceEntry, SessionEntry } from '../catalog/types.ts';
import { muxSessionId, SESSION_NAME } from '../core/identifiers.ts';
import { generateSessionName } from '../core/session-name.ts';
import { formatTime } from '../core/time.ts';
import { HeadjackError } from '../errors.ts';
import { makePrivateFolder } from '../process/files.ts';
import { judgeIdentity, ownIdentity } from '../process/identity.ts';
import { poll } from '../process/sleep.ts';
import { instanceFiles, sessionFiles } from '../session/files.ts';
import { saveOrder } from '../session/order.ts';
import { loadEndOrder, loadJudged, saveRecord, type SessionRecord } from '../session/record.ts';
import { isLive } from '../session/state.ts';
import { bridgeOrder } from './bridge.ts';
import { instanceNotFound } from './find-instance.ts';
import { loadEnvironment } from './instance-environment.ts';
import { loadSpec } from './instance-spec.ts';
import { endSession } from './kill.ts';
import { readLastLine } from './last-line.ts';
import { execEnvironment } from './container-environment.ts';
import { busyError } from './operation.ts';
import type { Services } from './services.ts';
import { placesOf, viewSessions } from './session-states.ts';
import type { RunningInstance } from './start-for-session.ts';

/** What a session is to run. */
export interface SessionOrder {
  readonly type: string;
  /** Name of an agent that is none of the built-in ones. */
  readonly agent: string | undefined;
  readonly name: string | undefined;
  /** Empty: the user's shell. */
  readonly command: readonly string[];
  /** Variables of the agent's configuration; the instance's own win. */
  readonly env: Readonly<Record<string, string>>;
}

/** A terminal server may end just when it is asked; hardly twice. */
const OPEN_TRIES = 5;

/** @throws HeadjackError usage */
export function requireSessionName(name: string | undefined): void {
  if (name === undefined || SESSION_NAME.test(name)) return;
  throw new HeadjackError('usage', `${JSON.stringify(name)} is no session name`, {
    hint: 'use letters, digits, _ . - (not at the beginning), at most 64',
  });
}

/**
 * Opens a session: its record first, then the entry, in one update that refuses a name that is live, then the terminal with the
 * pump in it. The program may not have started yet when this returns.
 */
export async function openSession(
  services: Services,
  running: RunningInstance,
  order: SessionOrder,
): Promise<SessionEntry> {
  const places = placesOf(services);
  const { entry, container } = running;
  const instance = instanceFiles(places, entry.id);
  makePrivateFolder(instance.folder);
  makePrivateFolder(instance.logs);
  for (const folder of [instance.folder, instance.logs]) requireNoLink(folder);
  const id = services.randomHex(4);
  const files = sessionFiles(places, entry.id, id);
  const session = await commitSession(services, running, order, id);
  const spec = loadSpec(instance.spec);
  const bridge = bridgeOrder(services, entry);
  saveOrder(files.order, {
    socket: services.socket,
    container: container.id,
    command: order.command,
    env: execEnvironment(spec, { ...order.env, ...loadEnvironment(instance.env) }, id),
    user: spec?.user,
    workdir: '/workspace',
    places,
    instance: entry.id,
    session: id,
    catalog: { file: services.paths.catalog, worktrees: services.paths.worktrees },
    ...(bridge === undefined ? {} : { bridge }),
    logMaxSize: services.settings.logMaxSize,
  });
  const size = services.terminal.stdout ? services.terminal.size() : { columns: 120, rows: 40 };
  const hosted = {
    instanceId: entry.id,
    muxId: session.mux_session_id,
    title: `${entry.branch} · ${session.name}`,
  };
  try {
    for (let tries = 0; tries < OPEN_TRIES; tries++) {
      if (await services.host.open(hosted, [...services.pumpCommand, files.order], size)) break;
      const taken = !fs.existsSync(files.order);
      if (taken || (await services.host.clients(entry.id)).has(hosted.muxId)) break;
    }
  } catch (error) {
    await dropSession(services, entry, session);
    throw error;
  }
  return session;
}

/** What is written there goes nowhere else. @throws HeadjackError unsafe */
function requireNoLink(folder: string): void {
  if (!fs.lstatSync(folder).isSymbolicLink()) return;
  throw new HeadjackError('unsafe', `${folder} is a link: what is written there would go elsewhere`, {
    hint: `remove it: rm ${folder}`,
  });
}

/** Makes the record and commits the entry; names are judged anew until the one update that takes one finds them unchanged. */
async function commitSession(
  services: Services,
  running: RunningInstance,
  order: SessionOrder,
  id: string,
): Promise<SessionEntry> {
  const files = sessionFiles(placesOf(services), running.entry.id, id);
  const now = formatTime(services.now());
  let entry: InstanceEntry = running.entry;
  for (;;) {
    const views = await viewSessions(services, entry, true);
    const name =
      order.name ?? generateSessionName(new Set(views.map(view => view.session.name)), services.random);
    const holders = views.filter(view => view.session.name === name);
    const live = holders.find(view => isLive(view.state));
    if (live !== undefined) throw nameTaken(entry, name, live.state === 'lost');
    const judged = new Set(holders.map(view => view.session.id));
    const record: SessionRecord = {
      id,
      name,
      type: order.type,
      started_at: now,
      starter: ownIdentity(),
      ...(order.agent === undefined ? {} : { agent: order.agent }),
    };
    saveRecord(files.record, record);
    const made: SessionEntry = {
      id,
      name,
      type: order.type,
      mux_session_id: muxSessionId(entry.id, id),
      created_at: now,
      last_accessed: now,
      ...(order.agent === undefined ? {} : { agent: order.agent }),
    };
    const changed = await services.catalog.update(draft => {
      const found = draft.entries.find(e => e.id === running.entry.id);
      if (found === undefined) throw instanceNotFound(running.entry.branch);
      if (found.operation !== undefined) throw busyError(found, found.operation);
      if (found.sessions.some(s => s.name === name && !judged.has(s.id))) return structuredClone(found);
      found.sessions = [...found.sessions.filter(s => s.name !== name), made];
      return undefined;
    });
    if (changed === undefined) return made;
    entry = changed;
  }
}

function nameTaken(entry: InstanceEntry, name: string, lost: boolean): HeadjackError {
  return new HeadjackError('name_taken', `session "${name}" already exists in instance ${entry.id}`, {
    hint: lost
      ? `its program may still run: hjk kill ${entry.branch}/${name}`
      : `hjk attach ${entry.branch} ${name}, or choose another --name`,
  });
}

async function dropSession(services: Services, entry: InstanceEntry, session: SessionEntry): Promise<void> {
  const files = sessionFiles(placesOf(services), entry.id, session.id);
  for (const file of [files.order, files.record]) fs.rmSync(file, { force: true });
  const { removeSessionEntry } = await import('./kill.ts');
  await removeSessionEntry(services, entry.id, session.id);
}

/**
 * Waits until the pump reports that the program was started, at most 10 s; then the session is ended as `kill` does.
 * @throws HeadjackError session_failed, session_ended (killed before it started)
 */
export async function awaitStart(
  services: Services,
  entry: InstanceEntry,
  session: SessionEntry,
): Promise<void> {
  const files = sessionFiles(placesOf(services), entry.id, session.id);
  const record = await poll(
    () => {
      const { record: found, carried } = loadJudged(files.record);
      const known = found === undefined || found.exec_id !== undefined || found.ended_at !== undefined;
      return known || (found.pump !== undefined && !carried) ? { found } : undefined;
    },
    { everyMs: 8, limitMs: 10_000 },
  );
  const found = record?.found;
  if (found?.exec_id !== undefined) return;
  if (found?.ended_at !== undefined && found.reason !== 'failed' && loadEndOrder(files.end) !== undefined) {
    throw new HeadjackError('session_ended', `session ${session.name} was ended before its program started`, {
      hint: `hjk ps ${entry.branch}`,
    });
  }
  const said =
    found?.error ??
    readLastLine(files.log) ??
    (found?.pump === undefined ? 'its pump did not start' : `its pump is ${judgeIdentity(found.pump)}`);
  await endSession(services, entry, session).catch(() => undefined);
  await dropSession(services, entry, session);
  throw new HeadjackError('session_failed', `session ${session.name} did not start: ${said}`, {
    hint: `hjk stop ${entry.branch}, then try again`,
  });
}

import type { InstanceEntry } from '../catalog/types.ts';
import { isKeepAlive } from '../container/keep-alive.ts';
import { formatTime } from '../core/time.ts';
import { HeadjackError } from '../errors.ts';
import { isAlive, type ProcessIdentity } from '../process/identity.ts';
import { poll, sleep } from '../process/sleep.ts';
import { instanceFiles, sessionFiles } from '../session/files.ts';
import { killScript } from '../session/in-container.ts';
import { loadJudged, loadRecord, orderEnd, saveRecord } from '../session/record.ts';
import { loadSpec } from './instance-spec.ts';
import { placesOf } from './session-states.ts';
import { listPrograms } from './programs.ts';
import type { Services } from './services.ts';

/** Tenths of a second between TERM and KILL. */
const GRACE = 20;

/** Runs the killer in the container, as the sessions' own user: nobody else may read their environment. */
export async function runKiller(
  services: Services,
  at: { container: string; instanceId: string },
  mode: 'kill' | 'scan' | 'all',
  sessionId: string,
): Promise<{ clean: boolean; left: string }> {
  const spec = loadSpec(instanceFiles(placesOf(services), at.instanceId).spec);
  let ran: { output: string; exitCode: number };
  try {
    ran = await services.exec.capture({
      container: at.container,
      command: ['sh', '-c', killScript, 'hjk', mode, sessionId, String(GRACE)],
      env: [],
      user: spec?.user,
      workdir: '/',
    });
  } catch (error) {
    // stopped or removed meanwhile: a container that does not run is the proof
    if (error instanceof HeadjackError && error.code === 'not_running') return { clean: true, left: '' };
    throw error;
  }
  const { output, exitCode } = ran;
  const last = output.trim().split('\n').at(-1) ?? '';
  return {
    clean: exitCode === 0 && (last === 'none' || last === 'ended'),
    left: last.replace(/^left\s*/, ''),
  };
}

/**
 * Ends everything that runs in a container but its keep-alive: sessions, programs of `--no-mux`, orphans. TERM first, so that
 * they can save: the engine's own stop never lets a program in an exec see it.
 */
export async function endEverything(
  services: Services,
  entry: Pick<InstanceEntry, 'id' | 'sessions'>,
  container: string,
): Promise<void> {
  const places = placesOf(services);
  const live = entry.sessions
    .map(session => sessionFiles(places, entry.id, session.id))
    .filter(files => loadRecord(files.record)?.ended_at === undefined);
  for (const files of live) orderEnd(files.end, 'stopped', formatTime(services.now()));
  const running = await listPrograms(services, container);
  if (running === undefined || running.some(command => !isKeepAlive(command))) {
    services.progress.phase('ending sessions');
    await runKiller(services, { container, instanceId: entry.id }, 'all', '-'); // what is left goes with the container
  }
  await Promise.all(live.map(files => awaitPump(files.record, 1000)));
}

/**
 * Records the end of sessions that nobody recorded: their container does not run, which is the proof, and their pump is gone (a
 * reboot, an engine that was killed). Without it they would count as lost once the container runs again. Gives their names.
 */
export async function closeSessions(services: Services, entry: InstanceEntry): Promise<string[]> {
  const places = placesOf(services);
  const ended: string[] = [];
  for (const session of entry.sessions) {
    const { record: file } = sessionFiles(places, entry.id, session.id);
    if (!(await awaitPump(file, 1000))) continue;
    const record = loadRecord(file);
    if (record === undefined || (record.ended_at !== undefined && record.reason !== 'lost')) continue;
    saveRecord(file, { ...record, ended_at: formatTime(services.now()), reason: 'stopped' });
    ended.push(session.name);
  }
  if (ended.length > 0) await services.host.closeAll(entry.id);
  return ended;
}

/** Waits until the pump has written the session's end. False where it has not. */
export async function awaitPump(recordFile: string, limitMs: number): Promise<boolean> {
  const done = await poll(
    () => {
      return loadJudged(recordFile).carried ? undefined : true;
    },
    { everyMs: 10, limitMs },
  );
  return done === true;
}

/** Ends a process of ours: TERM, then KILL. */
export async function endProcess(identity: ProcessIdentity): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!isAlive(identity)) return;
    try {
      process.kill(identity.pid, signal);
    } catch {
      return;
    }
    for (let i = 0; i < 25 && isAlive(identity); i++) await sleep(20);
  }
}

import path from 'node:path';
import type { Duplex } from 'node:stream';
import { HeadjackError, errnoOf, messageOf } from '../errors.ts';
import { createCatalogStore } from '../catalog/store.ts';
import { createEngineExec } from '../container/engine-exec.ts';
import { createEngineHttp } from '../container/engine-http.ts';
import { exitCodeOf } from '../container/exec-exit.ts';
import type { RunningExec } from '../container/port.ts';
import { formatTime } from '../core/time.ts';
import { noteOwn } from '../logs/own-log.ts';
import { createLogWriter, type LogWriter } from '../logs/writer.ts';
import { ownIdentity } from '../process/identity.ts';
import { poll } from '../process/sleep.ts';
import { watchBridge } from './bridge-watch.ts';
import { instanceFiles, sessionFiles, type SessionFiles } from './files.ts';
import { sessionScript } from './in-container.ts';
import type { PumpOrder } from './order.ts';
import { loadEndOrder, loadRecord, saveRecord, type EndReason, type SessionRecord } from './record.ts';
import type { Screen } from './screen.ts';

/** For starting and inspecting an exec; the stream itself may be silent for ever. */
const ENGINE_TIMEOUT_MS = 30_000;

/**
 * Runs a session's program in its container and carries its bytes: into the log first, onto the screen second. Goes on without
 * its screen. Writes the record of the session, its end before it returns.
 */
export async function pump(
  order: PumpOrder,
  { screen, env }: { readonly screen: Screen; readonly env: NodeJS.ProcessEnv },
): Promise<void> {
  const files = sessionFiles(order.places, order.instance, order.session);
  const first = loadRecord(files.record);
  if (first === undefined) return; // removed meanwhile: nothing is started, no folder is made
  let record: SessionRecord = { ...first, pump: ownIdentity() };
  const save = (change: Partial<SessionRecord>): void => {
    record = { ...record, ...change };
    if (loadRecord(files.record) !== undefined) saveRecord(files.record, record);
  };
  /** The pid is written first and the order to end read afterwards: whoever ends a session does it the other way round. */
  const ordered = (): EndReason | undefined =>
    loadRecord(files.record) === undefined ? 'killed' : loadEndOrder(files.end);
  const tell = (event: string, error?: unknown): void => {
    const code = error instanceof HeadjackError ? error.code : (errnoOf(error) ?? 'unknown');
    noteOwn(order.places.logs, Date.now(), {
      event,
      instance: order.instance,
      session: order.session,
      ...(error === undefined ? {} : { code }),
    });
  };
  const end = (change: Partial<SessionRecord>): void => {
    save({ ended_at: formatTime(Date.now()), ...change });
  };

  save({});
  const early = ordered();
  if (early !== undefined) {
    end({ reason: early });
    return;
  }
  const log = createLogWriter(files.log, order.logMaxSize);
  const exec = createEngineExec(createEngineHttp(order.socket, ENGINE_TIMEOUT_MS));
  let running: RunningExec;
  try {
    running = await exec.start({
      container: order.container,
      command: ['sh', '-c', sessionScript, 'hjk', order.session, ...order.command],
      env: order.env,
      user: order.user,
      workdir: order.workdir,
      tty: true,
      stdin: true,
    });
  } catch (error) {
    const text = `hjk: ${messageOf(error)}\r\n`;
    log.write(Buffer.from(text));
    log.close();
    screen.write(Buffer.from(text));
    tell('session did not start', error);
    end({ reason: 'failed', error: messageOf(error) });
    return;
  }
  save({ exec_id: running.id });
  let bridge: ReturnType<typeof watchBridge> | undefined;
  if (ordered() !== undefined)
    running.stream.destroy(); // who ordered it ends the program inside
  else {
    bridge =
      order.bridge === undefined
        ? undefined
        : watchBridge({
            ...order.bridge,
            id: order.instance,
            folder: instanceFiles(order.places, order.instance).folder,
            container: order.container,
            user: order.user,
            exec,
            env,
            tell,
          });
    await carry(running, screen, log);
  }

  let exitCode: number | undefined;
  let stopped = false;
  try {
    exitCode = await exitCodeOf(running);
  } catch (error) {
    stopped = error instanceof HeadjackError && error.code === 'not_running';
    if (!stopped) tell('the end of the program is not known: the engine does not answer', error); // it may still run
  }
  try {
    log.close();
  } catch (error) {
    tell('the log could not be written to its end', error);
  }
  const reason = ordered() ?? (stopped ? 'stopped' : exitCode === undefined ? 'lost' : 'exited');
  end(exitCode === undefined ? { reason } : { reason, exit_code: exitCode });
  // the session's file suffices
  await recordInCatalog(order, files, record).catch((error: unknown) => {
    tell('the end of the session is not in the catalog', error);
  });
  await bridge?.stop(); // what was committed last is here when the terminal closes
}

/** Carries bytes until the program's side closes. */
async function carry(running: RunningExec, screen: Screen, log: LogWriter): Promise<void> {
  const { stream } = running;
  let complained = false;
  let over = false;
  const resize = (): void => {
    running.resize(screen.size()).catch(() => undefined); // it may have ended
  };
  // podman refuses until the program runs, which waits for this very size
  void poll(
    () =>
      over ||
      running.resize(screen.size()).then(
        () => true,
        () => undefined,
      ),
    { everyMs: 50, limitMs: 15_000 },
  );
  screen.onResize(resize);
  screen.onInput(bytes => stream.write(bytes));
  stream.on('data', (bytes: Buffer) => {
    if (!log.write(bytes) && !complained) {
      complained = true;
      screen.write(Buffer.from('\r\nhjk: the log cannot be written; the session goes on without it\r\n'));
    }
    if (!screen.write(bytes)) {
      stream.pause();
      screen.whenReady(() => stream.resume());
    }
  });
  await ended(stream);
  over = true;
}

function ended(stream: Duplex): Promise<void> {
  return new Promise(resolve => {
    for (const event of ['end', 'close', 'error']) stream.once(event, resolve);
  });
}

async function recordInCatalog(order: PumpOrder, files: SessionFiles, record: SessionRecord): Promise<void> {
  if (record.ended_at === undefined || loadRecord(files.record) === undefined) return;
  const { ended_at, exit_code } = record;
  const store = createCatalogStore({
    file: order.catalog.file,
    verb: 'session',
    folders: { worktrees: order.catalog.worktrees, logs: order.places.logs },
    reserve: path.join(order.places.stateRoot, 'reserve'),
  });
  await store.update(draft => {
    const session = draft.entries
      .find(e => e.id === order.instance)
      ?.sessions.find(s => s.id === order.session);
    if (session === undefined) return;
    session.ended_at = ended_at;
    if (exit_code !== undefined) session.exit_code = exit_code;
  });
}

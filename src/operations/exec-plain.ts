import fs from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { exitCodeOf } from '../container/exec-exit.ts';
import { createStreamSplitter } from '../container/streams.ts';
import type { RunningExec } from '../container/port.ts';
import { replaceFile } from '../process/files.ts';
import { ownIdentity } from '../process/identity.ts';
import { instanceFiles, sessionFiles } from '../session/files.ts';
import { plainScript } from '../session/in-container.ts';
import { runKiller } from './end-sessions.ts';
import { loadEnvironment } from './instance-environment.ts';
import { loadSpec } from './instance-spec.ts';
import { execEnvironment } from './container-environment.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';
import type { RunningInstance } from './start-for-session.ts';

/** The caller's streams. `onResize` and `setRaw` matter only for a terminal. */
export interface PlainStreams {
  readonly stdin: Readable & { setRawMode?: (raw: boolean) => unknown };
  readonly stdout: Writable & { on(event: 'resize', listener: () => void): unknown };
  readonly stderr: Writable;
}

/**
 * Runs a program in the instance on the caller's own streams, as `docker exec` does. A terminal inside exactly where stdin and
 * stdout are terminals. Gives the program's exit code; an aborted `services.signal` ends the program and gives 128 + signal.
 */
export async function execPlain(
  services: Services,
  running: RunningInstance,
  command: readonly string[],
  streams: PlainStreams,
): Promise<number> {
  const id = services.randomHex(4);
  const { plain } = sessionFiles(placesOf(services), running.entry.id, id);
  noteCarrier(plain);
  try {
    return await carry(services, running, { id, command, streams });
  } finally {
    fs.rmSync(plain, { force: true });
  }
}

/** Notes that this process carries a program's streams: what a killed one leaves in the container can then be told. */
function noteCarrier(file: string): void {
  try {
    replaceFile(file, `${JSON.stringify(ownIdentity())}\n`);
  } catch {
    // no folder (an instance of the original's) or a full disk: the program runs all the same
  }
}

async function carry(
  services: Services,
  running: RunningInstance,
  what: { id: string; command: readonly string[]; streams: PlainStreams },
): Promise<number> {
  const { id, command, streams } = what;
  const tty = services.terminal.stdin && services.terminal.stdout;
  const files = instanceFiles(placesOf(services), running.entry.id);
  const spec = loadSpec(files.spec);
  const exec = await services.exec.start({
    container: running.container.id,
    command: ['sh', '-c', plainScript, 'hjk', id, ...command],
    env: [
      ...execEnvironment(spec, loadEnvironment(files.env), id),
      ...(tty ? [`TERM=${services.env['TERM'] ?? 'xterm-256color'}`] : []),
    ],
    user: spec?.user,
    workdir: '/workspace',
    tty,
    stdin: true,
  });
  const stop = (): void => {
    void runKiller(services, { container: running.container.id, instanceId: running.entry.id }, 'kill', id)
      .catch(() => undefined)
      .finally(() => exec.stream.destroy());
  };
  services.signal.addEventListener('abort', stop);
  if (services.signal.aborted) stop();
  try {
    if (tty) await carryTerminal(services, exec, streams);
    else await carryStreams(exec, streams);
  } finally {
    services.signal.removeEventListener('abort', stop);
  }
  if (services.signal.aborted) throw services.signal.reason;
  return (await exitCodeOf(exec)) ?? 125;
}

async function carryStreams(exec: RunningExec, streams: PlainStreams): Promise<void> {
  const { stream } = exec;
  const split = createStreamSplitter((name, bytes) => {
    if (!streams[name].write(bytes)) {
      stream.pause();
      streams[name].once('drain', () => stream.resume());
    }
  });
  stream.on('data', split);
  streams.stdin.on('data', (bytes: Buffer) => {
    if (!stream.write(bytes)) {
      streams.stdin.pause();
      stream.once('drain', () => streams.stdin.resume());
    }
  });
  streams.stdin.on('end', () => stream.end());
  await over(stream);
  streams.stdin.pause();
  streams.stdin.removeAllListeners('data');
}

async function carryTerminal(services: Services, exec: RunningExec, streams: PlainStreams): Promise<void> {
  const { stream } = exec;
  const resize = (): void => {
    exec.resize(services.terminal.size()).catch(() => undefined);
  };
  resize();
  streams.stdout.on('resize', resize);
  streams.stdin.setRawMode?.(true);
  try {
    stream.on('data', (bytes: Buffer) => streams.stdout.write(bytes));
    streams.stdin.on('data', (bytes: Buffer) => stream.write(bytes));
    await over(stream);
  } finally {
    streams.stdin.setRawMode?.(false);
    streams.stdin.pause();
    streams.stdout.removeListener('resize', resize);
  }
}

/** Once the program's side has ended. A half-closed stream of ours must not be destroyed before its last bytes were read. */
function over(stream: RunningExec['stream']): Promise<void> {
  return new Promise(resolve => {
    for (const event of ['end', 'close', 'error']) stream.once(event, resolve);
  });
}

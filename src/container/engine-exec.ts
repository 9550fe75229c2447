import { HeadjackError } from '../errors.ts';
import { poll } from '../process/sleep.ts';
import { engineStatus, type EngineHttp } from './engine-http.ts';
import { exitCodeOf } from './exec-exit.ts';
import type { ContainerExec, ExecRequest, RunningExec } from './port.ts';
import { createStreamSplitter } from './streams.ts';

export function createEngineExec(engine: EngineHttp): ContainerExec {
  const start = async (request: ExecRequest): Promise<RunningExec> => {
    try {
      const created = (await engine.request('POST', `/containers/${request.container}/exec`, {
        AttachStdin: request.stdin,
        AttachStdout: true,
        AttachStderr: true,
        Tty: request.tty,
        Cmd: request.command,
        Env: request.env,
        ...(request.user === undefined ? {} : { User: request.user }),
        ...(request.workdir === undefined ? {} : { WorkingDir: request.workdir }),
      })) as { Id: string };
      const { socket, head } = await engine.hijack(`/exec/${created.Id}/start`, {
        Detach: false,
        Tty: request.tty,
      });
      if (head.length > 0) socket.unshift(head);
      return {
        id: created.Id,
        stream: socket,
        async resize({ columns, rows }) {
          await engine.request('POST', `/exec/${created.Id}/resize?h=${String(rows)}&w=${String(columns)}`);
        },
        async inspect() {
          const state = (await engine
            .request('GET', `/exec/${created.Id}/json`)
            .catch(async (error: unknown) => {
              throw await explain(engine, error, request.container);
            })) as { Running: boolean; ExitCode: number | null };
          return {
            running: state.Running,
            exitCode: state.Running ? undefined : (state.ExitCode ?? undefined),
          };
        },
      };
    } catch (error) {
      throw await explain(engine, error, request.container);
    }
  };
  return {
    start,
    async capture(request) {
      const running = await start({ ...request, tty: false, stdin: false });
      const parts: Buffer[] = [];
      const split = createStreamSplitter((_stream, bytes) => parts.push(bytes));
      running.stream.on('data', split);
      await new Promise<void>((resolve, reject) => {
        running.stream.on('error', reject);
        running.stream.on('close', resolve);
        running.stream.on('end', resolve);
      });
      const exitCode = await exitCodeOf(running);
      return { output: Buffer.concat(parts).toString('utf8'), exitCode: exitCode ?? 125 };
    },
  };
}

/** A container that ends while one works in it makes the engine refuse in many ways, and the engine needs a moment to know why. */
async function explain(engine: EngineHttp, error: unknown, container: string): Promise<unknown> {
  const status = engineStatus(error);
  if (status === 0) return error;
  const short = container.slice(0, 12);
  const notRunning = (what: string): HeadjackError =>
    new HeadjackError('not_running', `container ${short} ${what}`, { cause: error });
  if (status === 409) {
    const now = await look(engine, container);
    return now === 'is paused' ? paused(short, error) : notRunning('does not run');
  }
  const state = await poll(
    async () => {
      const now = await look(engine, container);
      return now === 'runs' || now === 'is paused' ? undefined : now;
    },
    { everyMs: 50, limitMs: 300 },
  );
  if (state !== undefined) return notRunning(state);
  // what was started in it is no longer known: it was stopped, and started again
  return status === 404 ? notRunning('was stopped meanwhile') : error;
}

/** Its programs are frozen, not ended: they go on once somebody resumes it. */
function paused(container: string, cause: unknown): HeadjackError {
  return new HeadjackError('engine_failed', `container ${container} is paused`, {
    hint: `resume it: docker unpause ${container}`,
    cause,
  });
}

async function look(
  engine: EngineHttp,
  container: string,
): Promise<'runs' | 'is paused' | 'does not run' | 'does not exist'> {
  try {
    const found = (await engine.request('GET', `/containers/${container}/json`)) as {
      State: { Running: boolean; Paused?: boolean };
    };
    if (found.State.Paused === true) return 'is paused';
    return found.State.Running ? 'runs' : 'does not run';
  } catch (error) {
    if (engineStatus(error) === 404) return 'does not exist';
    throw error;
  }
}

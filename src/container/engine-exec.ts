import { HeadjackError } from '../errors.ts';
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
          const state = (await engine.request('GET', `/exec/${created.Id}/json`)) as {
            Running: boolean;
            ExitCode: number | null;
          };
          return {
            running: state.Running,
            exitCode: state.Running ? undefined : (state.ExitCode ?? undefined),
          };
        },
      };
    } catch (error) {
      throw translate(error, request.container);
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

function translate(error: unknown, container: string): unknown {
  const status = engineStatus(error);
  const short = container.slice(0, 12);
  if (status === 409)
    return new HeadjackError('not_running', `container ${short} does not run`, { cause: error });
  if (status === 404)
    return new HeadjackError('not_running', `container ${short} does not exist`, { cause: error });
  return error;
}

import type * as Http from 'node:http';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import type { Socket } from 'node:net';
import { HeadjackError, errnoOf } from '../errors.ts';
import { printable } from '../core/printable.ts';

/**
 * The engine's API by plain HTTP, for what must start quickly or hold a raw stream: listing, exec. (dockerode, which does the
 * rest, costs more than the whole of Node to load.)
 */
export interface EngineHttp {
  /** The parsed answer. @throws HeadjackError engine_failed with `details.status` on 4xx and 5xx, engine_unreachable, engine_permission */
  request(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown>;
  /** Starts a stream that goes both ways. `head` is what came with the answer. */
  hijack(path: string, body: unknown): Promise<{ socket: Socket; head: Buffer }>;
}

/** @param timeoutMs for the beginning of an answer */
export function createEngineHttp(socketPath: string, timeoutMs: number): EngineHttp {
  // `import 'node:http'` in ESM compiles undici too (20 ms); this does not
  const http = process.getBuiltinModule('node:http');
  // `socketPath` of http.request compiles a regular expression for IPv6 first (5 ms); a connection of our own does not
  const options = (
    method: string,
    path: string,
    headers: Record<string, string | number>,
  ): Http.RequestOptions => ({
    method,
    path,
    headers: { host: 'engine', ...headers },
    createConnection: () => net.connect(socketPath),
  });

  /** An engine that takes the request and says nothing is as good as none. */
  const giveUpLate = (request: Http.ClientRequest): void => {
    const timer = setTimeout(() => {
      request.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    for (const event of ['response', 'upgrade', 'close'])
      request.once(event, () => {
        clearTimeout(timer);
      });
  };

  return {
    request(method, path, body) {
      return new Promise((resolve, reject) => {
        const payload = body === undefined ? undefined : JSON.stringify(body);
        const headers =
          payload === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
        const request = http.request(options(method, path, { connection: 'close', ...headers }), answer => {
          collect(answer).then(text => {
            if ((answer.statusCode ?? 0) >= 400)
              reject(engineFailed(`${method} ${path}`, answer.statusCode ?? 0, text));
            else resolve(parseJson(text));
          }, reject);
        });
        request.on('error', error => {
          reject(translateConnection(error, socketPath));
        });
        giveUpLate(request);
        request.end(payload);
      });
    },

    hijack(path, body) {
      return new Promise((resolve, reject) => {
        const payload = JSON.stringify(body);
        const request = http.request(
          options('POST', path, {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(payload),
            connection: 'Upgrade',
            upgrade: 'tcp',
          }),
        );
        request.on('upgrade', (_answer, socket: Socket, head) => {
          resolve({ socket, head });
        });
        request.on('response', answer => {
          collect(answer).then(text => {
            reject(engineFailed(`POST ${path}`, answer.statusCode ?? 0, text));
          }, reject);
        });
        request.on('error', error => {
          reject(translateConnection(error, socketPath));
        });
        giveUpLate(request);
        request.end(payload);
      });
    },
  };
}

function collect(answer: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.on('end', () => {
      resolve(Buffer.concat(chunks).toString('utf8'));
    });
    answer.on('error', reject);
  });
}

function parseJson(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

export function engineFailed(what: string, status: number, text: string): HeadjackError {
  const parsed = parseJson(text) as { message?: unknown } | undefined;
  const said = typeof parsed?.message === 'string' ? parsed.message : text.trim();
  return new HeadjackError(
    'engine_failed',
    `the engine refuses ${what.replace(/\?.*$/, '')}: ${printable(said)}`,
    {
      hint: 'see to what the engine says, then run the command again',
      details: { status, message: said },
    },
  );
}

/** HTTP status of an engine_failed error, else 0. */
export function engineStatus(error: unknown): number {
  if (!(error instanceof HeadjackError) || error.code !== 'engine_failed') return 0;
  const { details } = error;
  return typeof details === 'object' &&
    details !== null &&
    'status' in details &&
    typeof details.status === 'number'
    ? details.status
    : 0;
}

const isPodman = (socketPath: string): boolean => socketPath.includes('podman');

export function translateConnection(error: unknown, socketPath: string): unknown {
  const code = errnoOf(error) ?? '';
  if (code === 'EACCES' || code === 'EPERM') {
    return new HeadjackError('engine_permission', `this user may not use the engine's socket ${socketPath}`, {
      hint: isPodman(socketPath)
        ? 'use the one of your own: systemctl --user start podman.socket'
        : 'sudo usermod -aG docker $USER, then log in again',
      cause: error,
    });
  }
  if (code === 'ETIMEDOUT' || code === 'ESOCKETTIMEDOUT') {
    return new HeadjackError('engine_unreachable', `the container engine at ${socketPath} does not answer`, {
      hint: 'look at it: docker info; it may need a restart, or more time: HEADJACK_RUNTIME_TIMEOUT=120',
      cause: error,
    });
  }
  if (['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'ENOTSOCK', 'ECONNRESET', 'EPIPE'].includes(code)) {
    return new HeadjackError('engine_unreachable', `no container engine answers at ${socketPath} (${code})`, {
      hint: isPodman(socketPath)
        ? 'start it: systemctl --user start podman.socket, or: podman system service --time 0 &'
        : 'start it: sudo systemctl start docker',
      cause: error,
    });
  }
  return error;
}

import fs from 'node:fs';
import path from 'node:path';
import { shortHash } from '../core/hash.ts';
import { HeadjackError } from '../errors.ts';
import { readRegular } from '../process/regular-file.ts';

export interface Endpoint {
  /** Path of the engine's unix socket. */
  readonly socket: string;
  /** What decided: a variable, a Docker context, or `default`. */
  readonly source: string;
}

/**
 * The engine's socket, as the docker and podman programs find it: DOCKER_HOST or CONTAINER_HOST, the current Docker context,
 * the usual places.
 * @throws HeadjackError engine_unsupported for an engine on another machine: the worktree would not be there
 */
export function resolveEndpoint(
  runtime: 'docker' | 'podman',
  env: NodeJS.ProcessEnv,
  home: string,
): Endpoint {
  if (runtime === 'podman') return podmanEndpoint(env);
  const host = env['DOCKER_HOST']?.trim();
  if (host !== undefined && host !== '')
    return { socket: localSocket(host, 'DOCKER_HOST'), source: 'DOCKER_HOST' };
  const context = dockerContext(env, home);
  if (context !== undefined)
    return {
      socket: localSocket(context.host, `the Docker context "${context.name}"`),
      source: `context ${context.name}`,
    };
  const usual = [
    '/var/run/docker.sock',
    `${home}/.docker/run/docker.sock`,
    ...(env['XDG_RUNTIME_DIR'] === undefined ? [] : [`${env['XDG_RUNTIME_DIR']}/docker.sock`]),
  ];
  return { socket: usual.find(place => fs.existsSync(place)) ?? '/var/run/docker.sock', source: 'default' };
}

function podmanEndpoint(env: NodeJS.ProcessEnv): Endpoint {
  const host = env['CONTAINER_HOST']?.trim();
  if (host !== undefined && host !== '')
    return { socket: localSocket(host, 'CONTAINER_HOST'), source: 'CONTAINER_HOST' };
  const uid = process.getuid?.() ?? 0;
  const system = '/run/podman/podman.sock';
  const own = `${env['XDG_RUNTIME_DIR'] ?? `/run/user/${String(uid)}`}/podman/podman.sock`;
  const [first, second] = uid === 0 ? [system, own] : [own, system];
  return { socket: !fs.existsSync(first) && fs.existsSync(second) ? second : first, source: 'default' };
}

function localSocket(host: string, source: string): string {
  if (host.startsWith('unix://')) return host.slice('unix://'.length);
  if (host.startsWith('/')) return host;
  const here = /^(tcp|https?):\/\/(localhost|127\.[0-9.]+|\[::1\])(:|\/|$)/.test(host);
  const far = /^(tcp|https?|ssh):\/\//.test(host) && !here;
  throw new HeadjackError(
    'engine_unsupported',
    far
      ? `${source} names an engine on another machine (${host}); the worktree is not there`
      : `${source} names ${host}; hjk speaks to engines by a unix socket`,
    { hint: source.endsWith('_HOST') ? `unset ${source}` : 'docker context use default' },
  );
}

function dockerContext(env: NodeJS.ProcessEnv, home: string): { name: string; host: string } | undefined {
  const folder = env['DOCKER_CONFIG'] ?? path.join(home, '.docker');
  const name = env['DOCKER_CONTEXT'] ?? readJson(path.join(folder, 'config.json'))?.['currentContext'];
  if (typeof name !== 'string' || name === '' || name === 'default') return undefined;
  const id = shortHash(name, 64);
  const endpoints = readJson(path.join(folder, 'contexts', 'meta', id, 'meta.json'))?.['Endpoints'] as
    { docker?: { Host?: unknown } } | undefined;
  const host = endpoints?.docker?.Host;
  if (typeof host === 'string') return { name, host };
  throw new HeadjackError('engine_unreachable', `the Docker context "${name}" does not exist`, {
    hint: 'docker context ls',
  });
}

function readJson(file: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readRegular(file).toString('utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

import path from 'node:path';
import { HeadjackError, messageOf } from '../errors.ts';
import { childProcess } from '../process/child-process.ts';
import { requireProgram, withAbsolutePath } from '../process/programs.ts';
import { readRegular } from '../process/regular-file.ts';

/** What the engine is given with a pull. */
export interface RegistryAuth {
  readonly serveraddress: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}

interface AuthFile {
  auths?: Record<string, { auth?: string; username?: string; password?: string; identitytoken?: string }>;
  credHelpers?: Record<string, string>;
  credsStore?: string;
}

const DOCKER_HUB = 'https://index.docker.io/v1/';
const HELPER_TIMEOUT_MS = 30_000;

/** The registry that a reference names, as the configuration calls it: what is before the first `/`, if it looks like a host. */
export function registryOf(reference: string): string {
  const [first = '', ...rest] = reference.split('/');
  const host = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return !host || first === 'docker.io' || first === 'index.docker.io' ? DOCKER_HUB : first;
}

/**
 * The credentials that `docker login` and `podman login` left for an image's registry, if any: `credHelpers`, then `auths`, then
 * `credsStore`, of the Docker configuration; for podman its own file first.
 * @throws HeadjackError command_failed where a credential helper cannot be run
 */
export function findRegistryAuth(
  reference: string,
  engine: 'docker' | 'podman',
  env: NodeJS.ProcessEnv,
  home: string,
): RegistryAuth | undefined {
  const registry = registryOf(reference);
  for (const file of authFiles(engine, env, home)) {
    const found = fromFile(readAuthFile(file), registry, env);
    if (found !== undefined) return found;
  }
  return undefined;
}

function authFiles(engine: 'docker' | 'podman', env: NodeJS.ProcessEnv, home: string): string[] {
  const docker = path.join(env['DOCKER_CONFIG'] ?? path.join(home, '.docker'), 'config.json');
  if (engine === 'docker') return [docker];
  const given = env['REGISTRY_AUTH_FILE'];
  if (given !== undefined && given !== '') return [given];
  const runtime = env['XDG_RUNTIME_DIR'] ?? `/run/user/${String(process.getuid?.() ?? 0)}`;
  const root = process.getuid?.() === 0 ? ['/run/containers/0/auth.json'] : [];
  return [
    path.join(runtime, 'containers', 'auth.json'),
    ...root,
    path.join(home, '.config/containers/auth.json'),
    docker,
  ];
}

function readAuthFile(file: string): AuthFile {
  try {
    return JSON.parse(readRegular(file).toString('utf8')) as AuthFile;
  } catch {
    return {};
  }
}

/** Configurations name a registry with or without scheme and path. */
const hostOf = (key: string): string =>
  key === DOCKER_HUB ? key : key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');

function fromFile(file: AuthFile, registry: string, env: NodeJS.ProcessEnv): RegistryAuth | undefined {
  const helper =
    file.credHelpers?.[registry === DOCKER_HUB ? 'docker.io' : registry] ?? file.credHelpers?.[registry];
  if (helper !== undefined) return askHelper(helper, registry, env);
  const [, entry] = Object.entries(file.auths ?? {}).find(([key]) => hostOf(key) === registry) ?? [];
  if (entry?.identitytoken !== undefined && entry.identitytoken !== '')
    return { serveraddress: registry, identitytoken: entry.identitytoken };
  const [username = entry?.username, ...password] =
    entry?.auth === undefined || entry.auth === ''
      ? []
      : Buffer.from(entry.auth, 'base64').toString('utf8').split(':');
  if (username !== undefined && username !== '')
    return {
      serveraddress: registry,
      username,
      password: password.length > 0 ? password.join(':').replace(/\0+$/, '') : (entry?.password ?? ''),
    };
  return file.credsStore === undefined || file.credsStore === ''
    ? undefined
    : askHelper(file.credsStore, registry, env);
}

/** `docker-credential-<name> get`: the registry on stdin, JSON on stdout; "not found" is an answer. */
function askHelper(name: string, registry: string, env: NodeJS.ProcessEnv): RegistryAuth | undefined {
  const program = `docker-credential-${name}`;
  let said: string;
  try {
    said = childProcess().execFileSync(requireProgram(program, env), ['get'], {
      input: registry,
      encoding: 'utf8',
      env: withAbsolutePath(env),
      timeout: HELPER_TIMEOUT_MS,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  } catch (error) {
    const output = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
    if (/credentials not found/i.test(output)) return undefined;
    throw new HeadjackError(
      'command_failed',
      `${program} gives no credentials for ${registry}: ${firstLine(output, error)}`,
      {
        hint: `try it: echo ${registry} | ${program} get`,
        cause: error,
      },
    );
  }
  const { Username, Secret } = JSON.parse(said) as { Username?: string; Secret?: string };
  if (Secret === undefined) return undefined;
  return Username === '<token>'
    ? { serveraddress: registry, identitytoken: Secret }
    : { serveraddress: registry, username: Username ?? '', password: Secret };
}

function firstLine(output: string, error: unknown): string {
  return (output.trim() === '' ? messageOf(error) : output.trim()).split('\n')[0] ?? '';
}

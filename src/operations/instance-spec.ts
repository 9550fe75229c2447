import fs from 'node:fs';
import { HeadjackError, messageOf } from '../errors.ts';
import { parseSize } from '../core/size.ts';
import type { RunFlag } from '../container/run-flags.ts';
import { makeMountAbsolute, makeVolumeAbsolute } from '../container/volumes.ts';
import { readIfThere, replaceFile } from '../process/files.ts';
import type { MaskedFiles } from './masks.ts';
import type { RunOptions } from './options.ts';

/** What is kept of a devcontainer.json. */
export interface DevcontainerSpec {
  readonly file: string;
  readonly digest: string;
  /** What it was seen to reach of this machine, with the user's approval, when the container was made. */
  readonly reaches?: readonly string[];
  /** `remoteEnv`: variables of every program. */
  readonly env?: Readonly<Record<string, string>>;
  /** Volumes that no other container has. */
  readonly volumes?: readonly string[];
  /** The container runs a command of its own, not the keep-alive. */
  readonly own_command?: boolean;
  /** It is one of several that its compose files make. */
  readonly compose?: boolean;
}

/** What an instance is made of, kept in `<state root>/instances/<id>/spec.json`. Values of variables are kept apart from it. */
export interface InstanceSpec {
  readonly schema: 1;
  /** '' where a devcontainer.json builds it. */
  readonly image: string;
  /** Set where the devcontainer CLI makes the container. */
  readonly devcontainer?: DevcontainerSpec;
  /** Where a branch that does not exist yet is to start. */
  readonly from: string | null;
  readonly memory: number | null;
  readonly cpus: number | null;
  readonly pids: number | null;
  readonly network: string | null;
  readonly env_names: readonly string[];
  readonly volumes: readonly string[];
  readonly ports: readonly string[];
  /** The container runtime's own flags. Missing in specs of older versions. */
  readonly flags?: readonly RunFlag[];
  readonly ssh_agent: boolean;
  readonly writable_submodules: boolean;
  /** Decided when the container is made; kept for every later exec. */
  readonly user?: string;
  readonly home?: string;
  readonly shell?: string;
  /** The runtime.name whose engine has the container. Missing in specs of older versions. */
  readonly runtime?: 'docker' | 'podman';
  /** What was masked when the container was last started. */
  readonly masked?: MaskedFiles;
}

/**
 * Checks the options.
 * @param cwd what relative paths start from: they are kept absolute
 * @throws HeadjackError usage
 */
export function parseSpec(
  options: RunOptions,
  image: string,
  cwd: string,
  devcontainer?: DevcontainerSpec,
): InstanceSpec {
  const env_names = options.env.map(given => given.split('=', 1)[0] ?? '');
  return {
    schema: 1,
    image,
    ...(devcontainer === undefined ? {} : { devcontainer }),
    from: options.from ?? null,
    memory: parseMemory(options.memory),
    cpus: parseNumber('--cpus', options.cpus, 0.01, 1024),
    pids: parseNumber('--pids', options.pids, 1, 4_194_304),
    network: options.network ?? null,
    env_names,
    volumes: options.volumes.map(text => makeVolumeAbsolute(text, cwd)),
    ports: options.ports,
    flags: options.flags.map(flag =>
      flag.name === 'mount' ? { ...flag, value: makeMountAbsolute(flag.value, cwd) } : flag,
    ),
    ssh_agent: options.sshAgent,
    writable_submodules: options.writableSubmodules,
  };
}

function parseMemory(text: string | undefined): number | null {
  if (text === undefined) return null;
  const bytes = parseSize(text);
  if (bytes !== undefined && bytes >= 6 * 1024 ** 2) return bytes;
  throw new HeadjackError('usage', `--memory: "${text}" is no size of at least 6m`, {
    hint: 'for instance --memory 4g',
  });
}

function parseNumber(flag: string, text: string | undefined, least: number, most: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most && (flag === '--cpus' || Number.isInteger(value)))
    return value;
  throw new HeadjackError(
    'usage',
    `${flag}: "${text}" is no number from ${String(least)} to ${String(most)}`,
    { hint: `for instance ${flag} 2` },
  );
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The variables that `-e` and `--env-file` give, later ones winning. `NAME` alone takes the caller's value.
 * @throws HeadjackError usage for a bad name, a variable that is not set, a reserved one, a file that cannot be read
 */
export function parseEnvironment(
  options: Pick<RunOptions, 'env' | 'envFiles'>,
  callers: NodeJS.ProcessEnv,
): Record<string, string> {
  const result: Record<string, string> = {};
  const put = (given: string, source: string): void => {
    const equals = given.indexOf('=');
    const name = equals < 0 ? given : given.slice(0, equals);
    if (!VARIABLE.test(name))
      throw new HeadjackError('usage', `${source}: ${JSON.stringify(name)} is no variable name`, {
        hint: 'use NAME or NAME=value',
      });
    if (name.startsWith('HEADJACK_'))
      throw new HeadjackError('usage', `${source}: ${name} is reserved for headjack's own use`, {
        hint: 'choose another name',
      });
    const value = equals < 0 ? callers[name] : given.slice(equals + 1);
    if (value === undefined)
      throw new HeadjackError('usage', `${source}: ${name} is not set here`, {
        hint: `export ${name}=… first`,
      });
    result[name] = value;
  };
  for (const file of options.envFiles) {
    let text: string;
    try {
      text = fs.readFileSync(file, 'utf8');
    } catch (error) {
      throw new HeadjackError('usage', `--env-file: ${file} cannot be read: ${messageOf(error)}`, {
        hint: 'check the path',
        cause: error,
      });
    }
    text.split(/\r?\n/).forEach((line, i) => {
      if (line.trim() !== '' && !line.trimStart().startsWith('#'))
        put(line.trimStart(), `${file}:${String(i + 1)}`);
    });
  }
  for (const given of options.env) put(given, '-e');
  return result;
}

/** Flags of this `run` that differ from what the instance was made with. Flags that were not given do not count. */
export function differences(made: InstanceSpec, wanted: InstanceSpec, options: RunOptions): string[] {
  const found: string[] = [];
  const compare = (flag: string, given: boolean, a: unknown, b: unknown): void => {
    if (given && JSON.stringify(a) !== JSON.stringify(b))
      found.push(`${flag}: made with ${describe(a)}, asked for ${describe(b)}`);
  };
  const image = made.devcontainer === undefined ? made.image : made.devcontainer.file;
  compare('--image', options.image !== undefined, image, wanted.image);
  compare('--memory', options.memory !== undefined, made.memory, wanted.memory);
  compare('--cpus', options.cpus !== undefined, made.cpus, wanted.cpus);
  compare('--pids', options.pids !== undefined, made.pids, wanted.pids);
  compare('--network', options.network !== undefined, made.network, wanted.network);
  compare('--volume', options.volumes.length > 0, made.volumes, wanted.volumes);
  compare('--publish', options.ports.length > 0, made.ports, wanted.ports);
  compare('container flags', options.flags.length > 0, made.flags ?? [], wanted.flags);
  compare('--ssh-agent', options.sshAgent, made.ssh_agent, wanted.ssh_agent);
  compare(
    '--writable-submodules',
    options.writableSubmodules,
    made.writable_submodules,
    wanted.writable_submodules,
  );
  return found;
}

/** What the instance was made of, with what is given in its place. What was found out about the old container is left out. */
export function mergeSpec(
  made: InstanceSpec | undefined,
  given: InstanceSpec,
  options: RunOptions,
): InstanceSpec {
  if (made === undefined) return given;
  const pick = <Key extends keyof InstanceSpec>(key: Key, isGiven: boolean): InstanceSpec[Key] =>
    isGiven ? given[key] : made[key];
  return {
    schema: 1,
    image: given.image,
    ...(given.devcontainer === undefined ? {} : { devcontainer: given.devcontainer }),
    from: made.from,
    memory: pick('memory', options.memory !== undefined),
    cpus: pick('cpus', options.cpus !== undefined),
    pids: pick('pids', options.pids !== undefined),
    network: pick('network', options.network !== undefined),
    env_names: [...new Set([...made.env_names, ...given.env_names])],
    volumes: pick('volumes', options.volumes.length > 0),
    ports: pick('ports', options.ports.length > 0),
    flags: pick('flags', options.flags.length > 0) ?? [],
    ssh_agent: made.ssh_agent || options.sshAgent,
    writable_submodules: made.writable_submodules || options.writableSubmodules,
  };
}

/** The same, as it is until a container has been made of it to the end. */
export function unfinishedSpec(spec: InstanceSpec): InstanceSpec {
  const bare: { -readonly [Key in keyof InstanceSpec]: InstanceSpec[Key] } = { ...spec };
  delete bare.user;
  delete bare.home;
  delete bare.shell;
  return bare;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  if (Array.isArray(value))
    return value.length === 0
      ? 'none'
      : value.map(item => (isRunFlag(item) ? `--${item.name}=${item.value}` : String(item))).join(' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isRunFlag(value: unknown): value is RunFlag {
  return typeof value === 'object' && value !== null && 'name' in value && 'value' in value;
}

export function loadSpec(file: string): InstanceSpec | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as InstanceSpec;
  } catch {
    return undefined;
  }
}

export function saveSpec(file: string, spec: InstanceSpec): void {
  replaceFile(file, `${JSON.stringify(spec, null, 2)}\n`);
}

/** Values of the user's variables: in a file of 0600, never in the container's own environment, which `inspect` shows for ever. */
export function saveEnvironment(file: string, env: Readonly<Record<string, string>>): void {
  replaceFile(file, `${JSON.stringify(env)}\n`);
}

export function loadEnvironment(file: string): Record<string, string> {
  const text = readIfThere(file);
  return text === undefined ? {} : (JSON.parse(text) as Record<string, string>);
}

import { HeadjackError } from '../errors.ts';
import { parseSize } from '../core/size.ts';
import type { RunFlag } from '../container/run-flags.ts';
import { makeMountAbsolute, makeVolumeAbsolute } from '../container/volumes.ts';
import { replaceFile } from '../process/files.ts';
import { readIfThere } from '../process/regular-file.ts';
import type { ChosenPaths } from './host-paths.ts';
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

/** What a container is to be made of. */
export interface ContainerSource {
  /** '' where a devcontainer.json builds it. */
  readonly image: string;
  /** The devcontainer.json of the branch that counts, if one does. */
  readonly devcontainerFile?: string | undefined;
  /** Set where the devcontainer CLI makes it. */
  readonly devcontainer?: DevcontainerSpec | undefined;
  /** Whether it gets a git directory of its own. */
  readonly git?: 'own';
}

/** What an instance is made of, kept in `<state root>/instances/<id>/spec.json`. Values of variables are kept apart from it. */
export interface InstanceSpec {
  readonly schema: 1;
  /** '' where a devcontainer.json builds it. */
  readonly image: string;
  /** The devcontainer.json of the branch that counted, whatever makes the container. */
  readonly devcontainer_file?: string;
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
  /** What the container has of the host for its repository. Missing in specs of older versions. */
  readonly host_paths?: ChosenPaths;
  /** It has a git directory of its own. Missing where it has the repository's, with masks: what older versions made. */
  readonly git?: 'own';
  /** What was masked when the container was last started. */
  readonly masked?: MaskedFiles;
}

/** Of an instance that the devcontainer CLI makes. */
export interface BuiltInstanceSpec extends InstanceSpec {
  readonly devcontainer: DevcontainerSpec;
}

export function isBuilt(spec: InstanceSpec | undefined): spec is BuiltInstanceSpec {
  return spec?.devcontainer !== undefined;
}

/**
 * Checks the options.
 * @param cwd what relative paths start from: they are kept absolute
 * @throws HeadjackError usage
 */
export function parseSpec(options: RunOptions, source: ContainerSource, cwd: string): InstanceSpec {
  const { image, devcontainerFile, devcontainer } = source;
  const env_names = options.env.map(given => given.split('=', 1)[0] ?? '');
  return {
    schema: 1,
    image,
    ...(devcontainerFile === undefined ? {} : { devcontainer_file: devcontainerFile }),
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
    ...(source.git === undefined ? {} : { git: source.git }),
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

/** Flags of this `run` that differ from what the instance was made with. Flags that were not given do not count. */
export function differences(made: InstanceSpec, wanted: InstanceSpec, options: RunOptions): string[] {
  const found: string[] = [];
  const compare = (flag: string, given: boolean, a: unknown, b: unknown): void => {
    if (given && JSON.stringify(a) !== JSON.stringify(b))
      found.push(`${flag}: made with ${describe(a)}, asked for ${describe(b)}`);
  };
  const image = made.devcontainer === undefined ? made.image : made.devcontainer.file;
  compare('--image', options.image !== undefined, image, wanted.image);
  compare(
    '--devcontainer',
    options.devcontainer !== undefined,
    made.devcontainer_file,
    wanted.devcontainer_file,
  );
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
  const file = given.devcontainer_file ?? (options.image === undefined ? made.devcontainer_file : undefined);
  return {
    schema: 1,
    image: given.image,
    ...(file === undefined ? {} : { devcontainer_file: file }),
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
    ...((given.git ?? made.git) === undefined ? {} : { git: 'own' }),
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

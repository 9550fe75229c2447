import path from 'node:path';
import { parse } from 'yaml';
import { isRecord, textOf } from './config.ts';
import { findReach, mountReach, splitRunOptions, type Inside } from './run-options.ts';

/** A compose file, or what `compose config` makes of several. Nothing in it is trusted to be of the right type. */
export interface ComposeDocument {
  readonly version: string | undefined;
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly rest: Readonly<Record<string, unknown>>;
}

/** Undefined for a text that is no compose file. */
export function parseCompose(text: string): ComposeDocument | undefined {
  let parsed: unknown;
  try {
    parsed = parse(text, { maxAliasCount: 100 });
  } catch {
    return undefined;
  }
  if (!isRecord(parsed)) return undefined;
  const { version, services, ...rest } = parsed;
  return {
    version: typeof version === 'string' || typeof version === 'number' ? String(version) : undefined,
    services: Object.fromEntries(
      Object.entries(isRecord(services) ? services : {}).map(([name, service]) => [
        name,
        isRecord(service) ? service : {},
      ]),
    ),
    rest,
  };
}

export interface ComposePlace extends Inside {
  /** What relative paths start from. */
  readonly base: string;
  /** Of the names that compose makes up: what is called so is the project's own. */
  readonly project: string;
}

/** Keys of a service that reach nothing outside its container, whatever they say. */
const harmless: readonly string[] = [
  'annotations',
  'attach',
  'cap_drop',
  'command',
  'container_name',
  'cpu_count',
  'cpu_percent',
  'cpu_period',
  'cpu_quota',
  'cpu_shares',
  'cpus',
  'cpuset',
  'depends_on',
  'dns',
  'dns_opt',
  'dns_search',
  'domainname',
  'entrypoint',
  'expose',
  'extra_hosts',
  'healthcheck',
  'hostname',
  'image',
  'init',
  'labels',
  'links',
  'logging',
  'mem_limit',
  'mem_reservation',
  'mem_swappiness',
  'memswap_limit',
  'networks', // judged where they are defined
  'pids_limit',
  'platform',
  'profiles',
  'pull_policy',
  'read_only',
  'restart',
  'scale',
  'shm_size',
  'stdin_open',
  'stop_grace_period',
  'stop_signal',
  'tmpfs',
  'tty',
  'ulimits',
  'user', // of the dev container it is judged by who the programs are in the end
  'working_dir',
];
/** Keys whose every value is one option of `docker run`. */
const asOptions: Readonly<Record<string, string>> = {
  cap_add: 'cap-add',
  devices: 'device',
  network_mode: 'network',
  privileged: 'privileged',
  security_opt: 'security-opt',
};

/** What compose files reach of this machine, a line each, as run-options.ts says it of `docker run`. */
export function findComposeReaches(document: ComposeDocument, place: ComposePlace): string[] {
  return [
    ...Object.entries(document.services).flatMap(([name, service]) =>
      Object.entries(service).flatMap(([key, value]) =>
        serviceReaches(key, value, place).map(line => `service ${name}: ${line}`),
      ),
    ),
    ...Object.entries(document.rest).flatMap(([key, value]) => topReaches(key, value, place)),
  ];
}

function serviceReaches(key: string, value: unknown, place: ComposePlace): string[] {
  if (harmless.includes(key) || value === null || key.startsWith('x-')) return [];
  const option = asOptions[key];
  if (option !== undefined)
    return itemsOf(value).flatMap(item =>
      key === 'network_mode' && /^service:/.test(String(item))
        ? []
        : (findReach({ name: option, value: String(item), words: [] }, place) ?? []),
    );
  switch (key) {
    case 'environment':
      return Array.isArray(value)
        ? textItems(value)
            .filter(item => !item.includes('='))
            .map(variable)
        : Object.entries(isRecord(value) ? value : {}).flatMap(([name, given]) =>
            given === null ? [variable(name)] : [],
          );
    case 'env_file':
      return itemsOf(value).flatMap(item =>
        fileReach('env_file', isRecord(item) ? item['path'] : item, place),
      );
    case 'extends':
      return isRecord(value) && value['file'] !== undefined ? fileReach('extends', value['file'], place) : [];
    case 'build':
      return buildReaches(value, place);
    case 'volumes':
      return itemsOf(value).flatMap(item => volumeReaches(item, place));
    case 'ports':
      return itemsOf(value).flatMap(portReaches);
    case 'deploy':
      return JSON.stringify(value).includes('"devices"')
        ? ['devices: programs inside use them directly']
        : [];
    case 'secrets':
    case 'configs':
      return []; // judged where they are defined
    default:
      return [`${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`];
  }
}

function topReaches(key: string, value: unknown, place: ComposePlace): string[] {
  if (key === 'name' || key.startsWith('x-') || value === null) return [];
  const named = Object.entries(isRecord(value) ? value : {}).map(
    ([name, given]) => [name, isRecord(given) ? given : {}] as const,
  );
  switch (key) {
    case 'volumes':
    case 'networks':
      return named.flatMap(([name, given]) => {
        const own = given['name'] === undefined || given['name'] === `${place.project}_${name}`;
        const plain = Object.entries(given).every(
          ([part, of]) => ['name', 'labels', 'ipam', 'internal'].includes(part) || isEmpty(part, of),
        );
        return own && plain
          ? []
          : [`${key.slice(0, -1)} ${name}: ${JSON.stringify(given)}: not of this project alone`];
      });
    case 'secrets':
    case 'configs':
      return named.flatMap(([name, given]) =>
        given['environment'] !== undefined
          ? [variable(textOf(given['environment']) ?? '')]
          : fileReach(`${key.slice(0, -1)} ${name}`, given['file'], place),
      );
    case 'include':
      return itemsOf(value).flatMap(item =>
        fileReach('include', isRecord(item) ? item['path'] : item, place),
      );
    default:
      return [`${key}: ${JSON.stringify(value)}`];
  }
}

/** Drivers that do what is done without naming them. */
function isEmpty(part: string, value: unknown): boolean {
  return (
    value === false ||
    (part === 'driver' && (value === 'local' || value === 'bridge' || value === 'default')) ||
    (isRecord(value) && Object.keys(value).length === 0)
  );
}

function buildReaches(value: unknown, place: ComposePlace): string[] {
  const build = isRecord(value) ? value : { context: value };
  return Object.entries(build).flatMap(([key, given]) => {
    if (
      ['args', 'target', 'labels', 'platforms', 'pull', 'no_cache', 'shm_size', 'dockerfile_inline'].includes(
        key,
      )
    )
      return [];
    if (key === 'context') return fileReach('build context', given, place);
    if (key === 'dockerfile') {
      const context = typeof build['context'] === 'string' ? build['context'] : '.';
      return fileReach('Dockerfile', path.posix.join(context, String(given)), place, String(given));
    }
    if (key === 'cache_from')
      return textItems(given)
        .filter(from => from.includes('='))
        .map(from => `build cache ${from}`);
    return [`build ${key}: ${JSON.stringify(given)}`];
  });
}

/** A file that this machine's compose reads: it has to be in the worktree. */
function fileReach(what: string, given: unknown, place: ComposePlace, shown = String(given)): string[] {
  if (typeof given !== 'string')
    return itemsOf(given).flatMap(item => (typeof item === 'string' ? fileReach(what, item, place) : []));
  if (path.posix.isAbsolute(shown) && what === 'Dockerfile')
    return isWithin(shown, place) ? [] : [`${what} ${shown}: outside the worktree`];
  return isWithin(path.posix.resolve('/', absolute(given, place)), place)
    ? []
    : [`${what} ${shown}: outside the worktree`];
}

function absolute(given: string, { base }: ComposePlace): string {
  return path.posix.isAbsolute(given) ? given : path.posix.join(base, given);
}

function isWithin(place: string, { worktree }: ComposePlace): boolean {
  const root = path.posix.resolve('/', worktree);
  return place === root || place.startsWith(`${root}/`);
}

function volumeReaches(item: unknown, place: ComposePlace): string[] {
  const source = (text: string): string => (/^\.{1,2}(\/|$)/.test(text) ? absolute(text, place) : text);
  if (typeof item === 'string') {
    const [from = '', to, ...mode] = item.split(':');
    if (to === undefined) return [];
    if (!/^[./~$]/.test(from)) return []; // named volumes are judged where they are defined
    const words = ['--volume', [source(from), to, ...mode].join(':')];
    return splitRunOptions(words).flatMap(option => findReach(option, place) ?? []);
  }
  if (!isRecord(item) || item['type'] === 'volume' || item['type'] === 'tmpfs') return [];
  const fields = {
    type: String(item['type']),
    source: source(String(item['source'])),
    target: String(item['target']),
  };
  return [mountReach(fields, place) ?? []].flat();
}

function portReaches(item: unknown): string[] {
  if (isRecord(item)) {
    const ip = textOf(item['host_ip']) ?? '';
    const published =
      typeof item['published'] === 'number' ? String(item['published']) : (textOf(item['published']) ?? '');
    return portReaches(`${ip === '' ? '' : `${ip}:`}${published}:${String(item['target'])}`);
  }
  const text = String(item).replace(/\/tcp$/, '');
  return [
    findReach({ name: 'publish', value: text, words: [] }, { worktree: '', devcontainerId: '' }) ?? [],
  ].flat();
}

function variable(name: string): string {
  return `variable ${name}: its value here is passed on`;
}

function itemsOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : value === undefined ? [] : [value];
}

function textItems(value: unknown): string[] {
  return itemsOf(value).filter((item): item is string => typeof item === 'string');
}

/** Variables of this machine that compose puts into a file as it reads it: `$NAME`, `${NAME}`, `${NAME:-default}`. */
export function composeVariables(text: string): string[] {
  return [...text.replaceAll('$$', '').matchAll(/\$\{?([A-Za-z_][A-Za-z0-9_]*)/g)].map(([, name]) =>
    variable(name ?? ''),
  );
}

import path from 'node:path';
import { fileReach, itemsOf, placeOf, textItems, variable, type ComposePlace } from './compose-place.ts';
import { isRecord, textOf } from './config.ts';
import { findReach, mountReach, splitRunOptions } from './run-options.ts';

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

/** What one key of a service reaches. */
export function serviceReaches(key: string, value: unknown, place: ComposePlace): string[] {
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
      // what that file names is not seen here, and in what compose makes of it no more
      return isRecord(value) && value['file'] !== undefined
        ? [`extends ${JSON.stringify(value['file'])}: compose reads it and what it names`]
        : [];
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

function volumeReaches(item: unknown, place: ComposePlace): string[] {
  const source = (text: string): string => (/^\.{1,2}(\/|$)/.test(text) ? placeOf(text, place) : text);
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

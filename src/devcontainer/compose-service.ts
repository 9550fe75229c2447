import path from 'node:path';
import { fileReach, itemsOf, placeOf, textItems, type ComposePlace } from './compose-place.ts';
import { isRecord, textOf } from './config.ts';
import { variableReach } from './host-variables.ts';
import { labelReaches } from './labels.ts';
import { findReach, mountReach, splitRunOptions } from './run-options.ts';

/** Keys of a service that reach nothing outside its container, whatever they say. */
const harmless: readonly string[] = [
  'attach',
  'cap_drop',
  'command',
  'container_name', // ours takes its place
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
  'healthcheck',
  'hostname',
  'image',
  'init',
  'links',
  'mem_limit',
  'mem_reservation',
  'mem_swappiness',
  'memswap_limit',
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
  'user', // judged by who the programs are in the end, and by what they can write to
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
            .map(variableReach)
        : Object.entries(isRecord(value) ? value : {}).flatMap(([name, given]) =>
            given === null ? [variableReach(name)] : [],
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
      return deployReaches(value);
    case 'labels':
      return labelReaches(value);
    case 'logging':
      return loggingReaches(value);
    case 'networks': // themselves they are judged where they are defined
      return Object.entries(isRecord(value) ? value : {}).flatMap(([name, given]) =>
        Object.keys(isRecord(given) ? given : {})
          .filter(part => !/^(aliases|ipv[46]_address|priority|gw_priority)$/.test(part))
          .map(part => `network ${name}: ${part}`),
      );
    case 'extra_hosts':
      return hostsOf(value).flatMap(
        host => findReach({ name: 'add-host', value: host, words: [] }, place) ?? [],
      );
    case 'secrets':
    case 'configs':
      return []; // judged where they are defined
    default:
      return [`${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`];
  }
}

/** Of `deploy` only what shares out this machine's resources is known to be harmless. */
function deployReaches(value: unknown): string[] {
  const text = JSON.stringify(value);
  if (text.includes('"devices"')) return ['devices: programs inside use them directly'];
  const known =
    /^(mode|replicas|labels|endpoint_mode|placement|update_config|rollback_config|restart_policy|resources|limits|reservations|cpus|memory|pids)$/;
  const { resources, ...rest } = isRecord(value) ? value : { deploy: value };
  const parts = isRecord(resources) ? Object.entries(resources) : [];
  const names = [
    ...Object.keys(rest),
    ...parts.map(([name]) => name),
    ...parts.flatMap(([, part]) => Object.keys(isRecord(part) ? part : {})),
  ];
  return names.every(name => known.test(name)) ? labelReaches(rest['labels']) : [`deploy ${text}`];
}

/** Other drivers send to sockets and machines, as root here. */
function loggingReaches(value: unknown): string[] {
  const { driver = 'json-file', options } = isRecord(value) ? value : { driver: value };
  const odd = Object.keys(isRecord(options) ? options : {}).filter(
    name => !/^(max-size|max-file|compress|mode|max-buffer-size|labels|env|tag)$/.test(name),
  );
  return /^(none|local|json-file|k8s-file)$/.test(String(driver)) && odd.length === 0
    ? []
    : [`logging ${JSON.stringify(value)}`];
}

function hostsOf(value: unknown): string[] {
  return isRecord(value)
    ? Object.entries(value).flatMap(([name, to]) => itemsOf(to).map(one => `${name}:${String(one)}`))
    : itemsOf(value).map(String);
}

function buildReaches(value: unknown, place: ComposePlace): string[] {
  const build = isRecord(value) ? value : { context: value };
  return Object.entries(build).flatMap(([key, given]) => {
    if (
      ['target', 'platforms', 'pull', 'no_cache', 'shm_size', 'dockerfile_inline'].includes(key) ||
      given === null
    )
      return [];
    if (key === 'labels') return labelReaches(given);
    if (key === 'args') return argumentReaches(given);
    const text = textOf(given) ?? JSON.stringify(given);
    if (key === 'context')
      return /^([a-z][a-z0-9+.-]*:|[^/]*@|github\.com\/)/i.test(text)
        ? [`build context ${text}: this machine fetches it, as you`]
        : fileReach('build context', given, place);
    if (key === 'dockerfile') {
      const context = typeof build['context'] === 'string' ? build['context'] : '.';
      return fileReach('Dockerfile', path.posix.join(context, text), place, text);
    }
    if (key === 'cache_from')
      return textItems(given)
        .filter(from => from.includes('='))
        .map(from => `build cache ${from}`);
    return [`build ${key}: ${JSON.stringify(given)}`];
  });
}

/** An argument without a value has the one of this machine's variable. */
function argumentReaches(given: unknown): string[] {
  return isRecord(given)
    ? Object.entries(given).flatMap(([name, value]) => (value === null ? [variableReach(name)] : []))
    : textItems(given)
        .filter(item => !item.includes('='))
        .map(variableReach);
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

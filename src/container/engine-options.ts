import net from 'node:net';
import { parseSize } from '../core/size.ts';
import { HeadjackError, messageOf } from '../errors.ts';
import type { RunFlag } from './run-flags.ts';
import { readRegular } from '../process/regular-file.ts';

/** What of `docker run` goes to the engine as it is; the rest has a place of its own in the container's spec. */
export interface EngineOptions {
  readonly privileged: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly devices: readonly { readonly host: string; readonly inside: string; readonly access: string }[];
  /** -1 is all of them. */
  readonly gpus:
    { readonly count: number; readonly ids: readonly string[]; readonly driver: string } | undefined;
  /** Bytes. */
  readonly shmSize: number | undefined;
  readonly extraHosts: readonly string[];
  readonly dns: readonly string[];
  readonly tmpfs: readonly { readonly target: string; readonly options: string }[];
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  readonly hostname: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly securityOptions: readonly string[];
  readonly user: string | undefined;
  readonly entrypoint: string | undefined;
}

/** @throws HeadjackError usage for a value that no engine would take */
export function parseEngineOptions(flags: readonly RunFlag[]): EngineOptions {
  const all = (name: RunFlag['name']): string[] => flags.filter(f => f.name === name).map(f => f.value);
  const one = (name: RunFlag['name']): string | undefined => all(name).at(-1);
  const size = one('shm-size');
  const shmSize = size === undefined ? undefined : parseSize(size);
  if (size !== undefined && (shmSize === undefined || shmSize <= 0))
    throw wrong('shm-size', size, 'it is no size', '--shm-size 1g');
  const hostname = one('hostname');
  if (hostname !== undefined && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/.test(hostname))
    throw wrong('hostname', hostname, 'it is no host name', '--hostname agent');
  const gpus = one('gpus');
  return {
    privileged: one('privileged') !== undefined,
    capAdd: all('cap-add').map(text => parseCapability('cap-add', text)),
    capDrop: all('cap-drop').map(text => parseCapability('cap-drop', text)),
    devices: all('device').map(parseDevice),
    gpus: gpus === undefined ? undefined : parseGpus(gpus),
    shmSize,
    extraHosts: all('add-host').map(parseHost),
    dns: all('dns').map(text => {
      if (net.isIP(text) !== 0) return text;
      throw wrong('dns', text, 'it is no IP address', '--dns 1.1.1.1');
    }),
    tmpfs: all('tmpfs').map(text => {
      const [target, options = ''] = split(text, ':');
      if (target.startsWith('/')) return { target, options };
      throw wrong('tmpfs', text, 'mount path must be absolute', '--tmpfs /cache:size=64m');
    }),
    ulimits: all('ulimit').map(parseUlimit),
    hostname,
    labels: Object.fromEntries(all('label').map(parseLabel)),
    securityOptions: all('security-opt').map(parseSecurityOption),
    user: one('user'),
    entrypoint: one('entrypoint'),
  };
}

/** At the first `by`. */
function split(text: string, by: string): [string, string | undefined] {
  const at = text.indexOf(by);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function wrong(flag: string, text: string, why: string, example: string): HeadjackError {
  return new HeadjackError('usage', `--${flag} ${text}: ${why}`, { hint: `for instance ${example}` });
}

function parseCapability(flag: string, text: string): string {
  if (/^[A-Za-z_]+$/.test(text)) return text.toUpperCase();
  throw wrong(flag, text, 'it is no capability', `--${flag} NET_ADMIN`);
}

function parseDevice(text: string): EngineOptions['devices'][number] {
  const [host = '', second, third, ...rest] = text.split(':');
  const isAccess = (part: string | undefined): boolean => part !== undefined && /^[rwm]{1,3}$/.test(part);
  const inside = second === undefined || (third === undefined && isAccess(second)) ? host : second;
  const access = third ?? (isAccess(second) ? second : undefined) ?? 'rwm';
  if (rest.length > 0 || !host.startsWith('/') || !inside.startsWith('/') || !isAccess(access))
    throw wrong('device', text, 'it is not of the form <device>[:<path inside>][:rwm]', '--device /dev/kvm');
  return { host, inside, access };
}

/** `all`, a number, or `device=0,device=1` with `driver=` and `count=`. */
function parseGpus(text: string): NonNullable<EngineOptions['gpus']> {
  if (text === 'all') return { count: -1, ids: [], driver: '' };
  if (/^\d+$/.test(text)) return { count: Number(text), ids: [], driver: '' };
  let count = 0;
  let driver = '';
  const ids: string[] = [];
  let key = '';
  for (const part of text.replace(/^"|"$/g, '').split(',')) {
    const [name, value] = split(part, '=');
    // `device=0,1`: a part without a name goes on with the one before
    if (value !== undefined) key = name;
    const given = value ?? part;
    if (key === 'device') ids.push(given);
    else if (key === 'driver') driver = given;
    else if (key === 'count' && (given === 'all' || /^\d+$/.test(given)))
      count = given === 'all' ? -1 : Number(given);
    else throw wrong('gpus', text, `"${part}" is not understood`, '--gpus all');
  }
  return { count, ids, driver };
}

function parseHost(text: string): string {
  const match = /^([^:=]+)[:=](.+)$/.exec(text);
  const [, name = '', address = ''] = match ?? [];
  const plain = address.replace(/^\[|\]$/g, '');
  if (match !== null && (plain === 'host-gateway' || net.isIP(plain) !== 0)) return `${name}:${plain}`;
  throw wrong('add-host', text, 'it is not of the form <name>:<IP address>', '--add-host db:10.0.0.5');
}

function parseUlimit(text: string): EngineOptions['ulimits'][number] {
  const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  const [, name = '', soft = '', hard = soft] = match ?? [];
  if (match === null)
    throw wrong('ulimit', text, 'it is not of the form <name>=<soft>[:<hard>]', '--ulimit nofile=1024');
  if (Number(hard) !== -1 && Number(soft) > Number(hard))
    throw wrong('ulimit', text, 'the soft limit is above the hard one', '--ulimit nofile=1024:2048');
  return { name, soft: Number(soft), hard: Number(hard) };
}

function parseLabel(text: string): [string, string] {
  const [name, value = ''] = split(text, '=');
  if (name !== '' && !name.startsWith('dev.headjack.')) return [name, value];
  throw wrong('label', text, name === '' ? 'it has no name' : "it is one of hjk's own", '--label team=web');
}

/** `name=value`, also written `name:value`. A seccomp profile is a file here; the engine takes its text. */
function parseSecurityOption(text: string): string {
  const [name, value] = split(text, text.includes('=') ? '=' : ':');
  if (name === 'no-new-privileges') return value === undefined ? name : `${name}=${value}`;
  if (value === undefined || !['seccomp', 'apparmor', 'label'].includes(name))
    throw wrong('security-opt', text, 'it is not known', '--security-opt seccomp=profile.json');
  if (name !== 'seccomp' || ['unconfined', 'builtin'].includes(value) || value.startsWith('{'))
    return `${name}=${value}`;
  try {
    return `seccomp=${JSON.stringify(JSON.parse(readRegular(value).toString('utf8')))}`;
  } catch (error) {
    throw wrong(
      'security-opt',
      text,
      `opening seccomp profile (${value}) failed: ${messageOf(error)}`,
      '--security-opt seccomp=profile.json',
    );
  }
}

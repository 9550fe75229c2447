import path from 'node:path';
import { splitCsv } from '../container/volumes.ts';
import { variableReach } from './host-variables.ts';
import { labelReach } from './labels.ts';

/** One option of `docker run`, however it was written. */
export interface RunOption {
  /** The long name without dashes where it is known; '' for a word that is no option. */
  readonly name: string;
  /** Undefined for a switch. */
  readonly value: string | undefined;
  readonly words: readonly string[];
}

const shortNames: Readonly<Record<string, string>> = {
  a: 'attach',
  c: 'cpu-shares',
  d: 'detach',
  e: 'env',
  h: 'hostname',
  i: 'interactive',
  l: 'label',
  m: 'memory',
  p: 'publish',
  P: 'publish-all',
  q: 'quiet',
  t: 'tty',
  u: 'user',
  v: 'volume',
  w: 'workdir',
};
const switches: readonly string[] = [
  'detach',
  'disable-content-trust',
  'init',
  'interactive',
  'no-healthcheck',
  'oom-kill-disable',
  'privileged',
  'publish-all',
  'quiet',
  'read-only',
  'rm',
  'sig-proxy',
  'tty',
];

/** Reads words as `docker run` does. What it cannot tell becomes an option of the word's own name, which nobody takes for harmless. */
export function splitRunOptions(words: readonly string[]): RunOption[] {
  const options: RunOption[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const take = (name: string, joined: string | undefined): void => {
      if (joined !== undefined) options.push({ name, value: joined, words: [word] });
      else if (switches.includes(name)) options.push({ name, value: undefined, words: [word] });
      else {
        const value = words[++i];
        options.push({ name, value, words: value === undefined ? [word] : [word, value] });
      }
    };
    const long = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(word);
    const short = /^-([a-zA-Z])(?:=?(.+))?$/s.exec(word);
    const name = short === null ? undefined : shortNames[short[1] ?? ''];
    if (long !== null) take(long[1] ?? '', long[2]);
    else if (short !== null && name !== undefined && !(switches.includes(name) && short[2] !== undefined))
      take(name, short[2]);
    else options.push({ name: '', value: word, words: [word] });
  }
  return options;
}

/** What an option mounts, and where: source '' for an anonymous volume or a tmpfs. Undefined for an option that mounts nothing. */
export function mountOf({ name, value = '' }: RunOption): { source: string; target: string } | undefined {
  if (name === 'mount') {
    const { source = '', target = '' } = Object.fromEntries(splitCsv(value).map(fieldOf));
    return { source: plainPath(source), target: plainPath(target) };
  }
  const [first = '', second] = value.split(':');
  if (name === 'tmpfs') return { source: '', target: plainPath(first) };
  if (name !== 'volume') return undefined;
  return second === undefined
    ? { source: '', target: plainPath(first) }
    : { source: plainPath(first), target: plainPath(second) };
}

/** A path without `.`, `..` and a slash at its end. */
export function plainPath(text: string): string {
  return text === '' ? '' : path.posix.normalize(text).replace(/(.)\/$/, '$1');
}

/** What an option may name without reaching out of the container. */
export interface Inside {
  /** The worktree, as paths of mounts name it. */
  readonly worktree: string;
  /** `${devcontainerId}`, or what it stands for: in the name of a volume that no other container has. */
  readonly devcontainerId: string;
}

/** Options that reach nothing outside, whatever their value. */
const harmless: readonly string[] = [
  'attach',
  'cap-drop',
  'cpu-period',
  'cpu-quota',
  'cpu-shares',
  'cpus',
  'cpuset-cpus',
  'cpuset-mems',
  'detach',
  'dns',
  'dns-option',
  'dns-search',
  'entrypoint',
  'expose',
  'health-cmd',
  'health-interval',
  'health-retries',
  'health-start-period',
  'health-timeout',
  'hostname',
  'init',
  'interactive',
  'memory',
  'memory-reservation',
  'memory-swap',
  'memory-swappiness',
  'name',
  'no-healthcheck',
  'pids-limit',
  'platform',
  'pull',
  'read-only',
  'restart',
  'rm',
  'shm-size',
  'sig-proxy',
  'stop-signal',
  'stop-timeout',
  'tmpfs',
  'tty',
  'ulimit',
  'user', // judged by who the programs are in the end
  'workdir',
];

/**
 * What an option of `docker run` reaches outside the container, in words that name it; undefined where it reaches nothing. Whatever
 * is not known to be harmless counts.
 */
export function findReach(option: RunOption, inside: Inside): string | undefined {
  const { name, value = '' } = option;
  if (harmless.includes(name)) return undefined;
  const shown = value === '' ? '' : ` ${value}`;
  switch (name) {
    case 'add-host':
      return /host-gateway/.test(value)
        ? `host ${value}: programs inside find this machine by it`
        : undefined;
    case 'label':
      return labelReach(value);
    case 'env':
      return value.includes('=') ? undefined : variableReach(value);
    case 'mount':
      return mountReach(Object.fromEntries(splitCsv(value).map(fieldOf)), inside);
    case 'volume':
      return volumeReach(value, inside);
    case 'publish':
      return /^(127\.\d+\.\d+\.\d+|\[::1\]):/.test(value)
        ? undefined
        : `port ${value}: other machines can connect to it`;
    case 'network':
    case 'net':
      return /^(bridge|default|none|private|slirp4netns|pasta)$/.test(value)
        ? undefined
        : `network${shown}: the container shares it with others`;
    case 'privileged':
      return /^(false|0|f)$/i.test(value)
        ? undefined
        : 'privileged: programs inside can do on this machine what root can';
    case 'cap-add':
      return `capability${shown}: more than containers may by default`;
    case 'security-opt':
      return /^(no-new-privileges([=:](true|1))?|label=disable)$/.test(value)
        ? undefined
        : `security option${shown}: a protection may be off`;
    case 'device':
    case 'gpus':
      return `${name}${shown}: programs inside use it directly`;
    case 'userns':
      return /^keep-id(:|$)/.test(value) ? undefined : `--userns${shown}`;
    case '':
      return `${value}: no option of docker run that is known here`;
    default:
      return `--${name}${shown}`;
  }
}

/** A field of a `--mount`, under docker's first name. */
export function fieldOf(part: string): [string, string] {
  const at = part.indexOf('=');
  const key = (at < 0 ? part : part.slice(0, at)).toLowerCase();
  const name = { src: 'source', dst: 'target', destination: 'target', ro: 'readonly' }[key] ?? key;
  return [name, at < 0 ? 'true' : part.slice(at + 1)];
}

/** The fields of a `--mount`, or of an object under `mounts`, under docker's first names. */
export function mountReach(fields: Readonly<Record<string, string>>, inside: Inside): string | undefined {
  const { type = 'volume', source = '', target = '' } = fields;
  const odd = Object.keys(fields).find(
    key =>
      !/^(type|source|target|readonly|consistency|bind-propagation|tmpfs-size|tmpfs-mode|volume-nocopy|external)$/.test(
        key,
      ),
  );
  if (odd !== undefined) return `mount ${source} at ${target}: ${odd} ${fields[odd] ?? ''}`;
  if (type === 'tmpfs') return undefined;
  if (type === 'volume') return volumeNameReach(source, inside);
  return type === 'bind' ? bindReach(source, target, inside) : `mount ${type} ${source} at ${target}`;
}

function volumeReach(text: string, inside: Inside): string | undefined {
  const [source = '', target] = text.split(':');
  if (target === undefined) return undefined; // an anonymous one
  return /^[/.~$]/.test(source) && !/^\$\{devcontainerId\}/.test(source)
    ? bindReach(source, target, inside)
    : volumeNameReach(source, inside);
}

function volumeNameReach(name: string, inside: Inside): string | undefined {
  return name === '' || name.includes(inside.devcontainerId)
    ? undefined
    : `volume ${name}: other containers may use it too`;
}

/** Only the whole worktree is no more than the container has anyway: a part of it could be replaced by a link before the next start. */
function bindReach(source: string, target: string, inside: Inside): string | undefined {
  if (plainPath(source) === inside.worktree) return undefined;
  const socket = /(docker|podman|containerd)\.sock$/.test(source)
    ? ': whoever has it is root on this machine'
    : '';
  return `mount ${source} at ${target}${socket}`;
}

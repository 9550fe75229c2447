import { childProcess } from './child-process.ts';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** What tells a process from every other one, before and after it, on this machine and in other pid namespaces. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Linux: clock ticks since boot; elsewhere seconds since 1970. */
  readonly pid_start: string;
  readonly boot_id: string;
  readonly pid_ns: string;
}

export type Liveness = 'dead' | 'stopped' | 'live' | 'foreign';

const linux = process.platform === 'linux';

/** Ours. os.userInfo() fails where the uid has no name. */
export const ownUid = (): number => process.getuid?.() ?? 0;

function slurp(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** State letter and start time of a process, or undefined where there is none. */
function probe(pid: number): { state: string; start: string } | undefined {
  if (linux) {
    const stat = slurp(`/proc/${String(pid)}/stat`);
    if (stat === '') return undefined;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '?', start: fields[19] ?? '' };
  }
  try {
    const line = childProcess()
      .execFileSync('/bin/ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
        encoding: 'latin1',
        env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' },
      })
      .trim();
    const [state = '', ...date] = line.split(/\s+/);
    return { state: state.slice(0, 1), start: String(Math.round(Date.parse(date.join(' ')) / 1000)) };
  } catch {
    return undefined;
  }
}

function bootId(): string {
  if (linux) return slurp('/proc/sys/kernel/random/boot_id').trim();
  try {
    return childProcess()
      .execFileSync('/usr/sbin/sysctl', ['-n', 'kern.boottime'], { encoding: 'latin1', env: {} })
      .replace(/^.*sec = (\d+),.*$/s, '$1');
  } catch {
    return hostname();
  }
}

function pidNamespace(): string {
  if (!linux) return hostname();
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return 'unknown';
  }
}

let self: ProcessIdentity | undefined;

/** This process. Read once: none of it changes. */
export function ownIdentity(): ProcessIdentity {
  self ??= {
    pid: process.pid,
    pid_start: probe(process.pid)?.start ?? '0',
    boot_id: bootId(),
    pid_ns: pidNamespace(),
  };
  return self;
}

let ownSpace: string | undefined;

/** The pid space of this process. */
export function ownPidSpace(): string {
  ownSpace ??= pidSpace(ownIdentity());
  return ownSpace;
}

/** 8 hex that stand for this boot and pid namespace: pids compare only between equal ones. */
function pidSpace(identity: ProcessIdentity): string {
  let hash = 0x811c9dc5; // FNV-1a: it only has to tell two boots or namespaces apart
  for (const char of Buffer.from(`${identity.boot_id}\n${identity.pid_ns}`))
    hash = Math.imul(hash ^ char, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** Whether the process of that pid and start time, in our own pid namespace, runs. */
export function judgePid(pid: number, start: string): Exclude<Liveness, 'foreign'> {
  const own = ownIdentity();
  if (pid === own.pid && start === own.pid_start) return 'live';
  const found = probe(pid);
  if (found === undefined || found.state === 'Z' || found.state === 'X') return 'dead';
  const same = linux ? found.start === start : Math.abs(Number(found.start) - Number(start)) <= 2;
  if (!same) return 'dead';
  return found.state === 'T' || found.state === 't' ? 'stopped' : 'live';
}

/**
 * Whether a recorded process lives. Another boot means dead; another pid namespace of this boot cannot be looked into and is
 * `foreign`, which callers treat as alive.
 */
export function judgeIdentity(identity: ProcessIdentity): Liveness {
  const own = ownIdentity();
  if (identity.boot_id !== own.boot_id) return 'dead';
  if (identity.pid_ns !== own.pid_ns) return 'foreign';
  return judgePid(identity.pid, identity.pid_start);
}

export function isAlive(identity: ProcessIdentity): boolean {
  return judgeIdentity(identity) !== 'dead';
}

/** A process as JSON that was written of `ownIdentity`; undefined for any other text. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null && 'pid' in found && 'boot_id' in found
      ? (found as ProcessIdentity)
      : undefined;
  } catch {
    return undefined;
  }
}

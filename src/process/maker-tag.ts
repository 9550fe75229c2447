import { judgePid, ownIdentity, ownPidSpace, type Liveness } from './identity.ts';

/** Who makes a file, as a part of its name: a pid alone may be somebody else's by the time one looks. */
export function makerTag(): string {
  const { pid, pid_start } = ownIdentity();
  return `${String(pid)}-${pid_start}-${ownPidSpace()}`;
}

/** Whether the maker that a name tells of lives; `foreign` for one of another pid space, and for a name that tells of none. */
export function judgeMaker(name: string): Liveness {
  const [, pid, start, space] = /\b(\d+)-(\d+)-([0-9a-f]{8})\b/.exec(name) ?? [];
  if (pid === undefined || start === undefined || space !== ownPidSpace()) return 'foreign';
  return judgePid(Number(pid), start);
}

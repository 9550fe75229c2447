import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { judgePid, ownIdentity, ownPidSpace, type Liveness } from './identity.ts';

export const SCRATCH_PREFIX = 'hjk-scratch-';

/** A private folder for files that live as long as a call; its name says whose it is, so that what a killed process left is found. */
export function makeScratch(): string {
  const { pid, pid_start } = ownIdentity();
  const name = `${SCRATCH_PREFIX}${String(pid)}.${pid_start}.${ownPidSpace()}-`;
  return fs.mkdtempSync(path.join(os.tmpdir(), name));
}

/** Whether the maker of a scratch folder lives; `foreign` for what is not one, or another pid space's. */
export function scratchMaker(name: string): Liveness {
  const [, pid, start, space] = /^hjk-scratch-(\d+)\.(\d+)\.([0-9a-f]{8})-/.exec(name) ?? [];
  if (pid === undefined || start === undefined || space !== ownPidSpace()) return 'foreign';
  return judgePid(Number(pid), start);
}

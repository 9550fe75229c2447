import { childProcess } from './child-process.ts';
import fs from 'node:fs';

/** Every program that a verb starts on the host has the id of its operation in this variable. */
export const OPERATION_VARIABLE = 'HEADJACK_OPERATION';

/** Those that can do nothing any more without us have it in this one too: nobody has to wait until they have finished. */
export const HELPER_VARIABLE = 'HEADJACK_HELPER_OF';

/** Pids, without our own, of the processes that have exactly `NAME=value` in their environment, as far as we may look. */
export function findByEnvironment(name: string, value: string): number[] {
  const entry = `${name}=${value}`;
  if (process.platform !== 'linux') return findByPs(entry);
  return fs
    .readdirSync('/proc')
    .filter(pid => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .filter(pid => {
      try {
        return fs.readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(entry);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function findByPs(entry: string): number[] {
  try {
    const listing = childProcess().execFileSync('/bin/ps', ['-axEww', '-o', 'pid=,command='], {
      encoding: 'latin1',
      env: { PATH: '/usr/bin:/bin' },
    });
    return listing
      .split('\n')
      .filter(line => line.split(' ').includes(entry))
      .map(line => Number.parseInt(line, 10))
      .filter(pid => pid !== process.pid);
  } catch {
    return [];
  }
}

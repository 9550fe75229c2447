import fs from 'node:fs';
import path from 'node:path';
import { ignoring } from '../errors.ts';
import { listFolder } from '../process/files.ts';
import type { RunResult } from '../process/run.ts';

/** Whether a git failed for want of room. Its last word may be another ("disk corruption?"). */
export function wasDiskFull({ stderr }: Pick<RunResult, 'stderr'>): boolean {
  return /No space left on device|Out of diskspace|Disk quota exceeded/i.test(stderr);
}

/**
 * Removes what a git that ran out of room left half-written: it cleans nothing up, and gc does so after two weeks only, on a disk that
 * is full. A file that a process has open is another git's.
 * @param since when that git was started, in ms
 */
export function removeLeftWrites(place: { objects: string; crash: string }, since: number): void {
  const { objects, crash } = place;
  const isNew = (file: string): boolean => {
    const stat = fs.lstatSync(file, { throwIfNoEntry: false });
    return stat?.isFile() === true && stat.mtimeMs >= since - CLOCK_MS;
  };
  const left = ['pack', ...listFolder(objects).filter(name => /^[0-9a-f]{2}$/.test(name))]
    .map(name => path.join(objects, name))
    .flatMap(folder =>
      listFolder(folder)
        .filter(name => /^tmp_(pack|idx|obj|rev|mtimes)_/.test(name))
        .map(name => path.join(folder, name)),
    )
    .filter(isNew);
  const reports = listFolder(path.dirname(crash))
    .filter(name => /^fast_import_crash_\d+$/.test(name))
    .map(name => path.join(path.dirname(crash), name))
    .filter(isNew);
  const open = left.length === 0 ? new Set<string>() : findOpenFiles();
  for (const file of [...reports, ...(open === undefined ? [] : left.filter(name => !open.has(name)))])
    fs.rmSync(file, { force: true });
}

/** Kernels take the time of a file from a clock that ticks every few milliseconds. */
const CLOCK_MS = 50;

/** Files that processes have open, as far as we may look; undefined where that cannot be told. */
function findOpenFiles(): Set<string> | undefined {
  if (process.platform !== 'linux') return undefined;
  const passing = ['ENOENT', 'EACCES', 'EPERM', 'ESRCH'];
  const open = new Set<string>();
  for (const pid of fs.readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    const folder = `/proc/${pid}/fd`;
    for (const fd of ignoring(passing, () => fs.readdirSync(folder), []))
      open.add(ignoring(passing, () => fs.readlinkSync(`${folder}/${fd}`), ''));
  }
  return open;
}

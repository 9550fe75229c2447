import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { HeadjackError, errnoOf, isFull } from '../errors.ts';
import { makerTag } from './maker-tag.ts';

export const SCRATCH_PREFIX = 'hjk-scratch-';

/** A private folder for files that live as long as a call; its name says whose it is, so that what a killed process left is found. */
export function makeScratch(): string {
  const folder = os.tmpdir();
  try {
    return fs.mkdtempSync(path.join(folder, `${SCRATCH_PREFIX}${makerTag()}-`));
  } catch (error) {
    const full = isFull(error);
    throw new HeadjackError(
      full ? 'disk_full' : 'file_failed',
      `no temporary folder can be made in ${folder} (${errnoOf(error) ?? 'unknown'})`,
      {
        hint: full ? 'make room there, then run the command again' : 'name another one: export TMPDIR=/tmp',
        cause: error,
      },
    );
  }
}

const untilExit: string[] = [];

/** The same for as long as this process lives. */
export function makeScratchUntilExit(): string {
  if (untilExit.length === 0)
    process.once('exit', () => {
      for (const folder of untilExit) fs.rmSync(folder, { recursive: true, force: true });
    });
  const folder = makeScratch();
  untilExit.push(folder);
  return folder;
}

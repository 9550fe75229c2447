import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makerTag } from './maker-tag.ts';

export const SCRATCH_PREFIX = 'hjk-scratch-';

/** A private folder for files that live as long as a call; its name says whose it is, so that what a killed process left is found. */
export function makeScratch(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), `${SCRATCH_PREFIX}${makerTag()}-`));
}

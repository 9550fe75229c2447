import fs from 'node:fs';
import { errnoOf, isFull } from '../errors.ts';
import { replaceFile } from '../process/files.ts';
import { readIfThere } from '../process/regular-file.ts';
import { isAlive, type ProcessIdentity } from '../process/identity.ts';

export type EndReason = 'exited' | 'killed' | 'stopped' | 'lost' | 'failed';

/** The truth about a session: made by `exec`, from then on written by its pump alone. */
export interface SessionRecord {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly agent?: string;
  readonly started_at: string;
  readonly starter: ProcessIdentity;
  readonly pump?: ProcessIdentity;
  readonly exec_id?: string;
  readonly ended_at?: string;
  readonly exit_code?: number;
  readonly reason?: EndReason;
  /** Why the program could not be started. */
  readonly error?: string;
}

export function loadRecord(file: string): SessionRecord | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as SessionRecord;
  } catch {
    return undefined;
  }
}

/** A record, and whether the process that answers for the session lives. An ended session needs none. */
export interface JudgedRecord {
  readonly record: SessionRecord | undefined;
  readonly carried: boolean;
}

/** Reads again where the process is dead: it may have passed the session on, or noted its end, after the first look. */
export function loadJudged(file: string): JudgedRecord {
  for (let record = loadRecord(file); ;) {
    if (record === undefined || record.ended_at !== undefined) return { record, carried: false };
    if (isAlive(record.pump ?? record.starter)) return { record, carried: true };
    const again = loadRecord(file);
    if (JSON.stringify(again) === JSON.stringify(record)) return { record, carried: false };
    record = again;
  }
}

export function saveRecord(file: string, record: SessionRecord): void {
  const text = `${JSON.stringify(record, null, 2)}\n`;
  try {
    replaceFile(file, text);
  } catch (error) {
    // on a full disk into the block that the file has: what it says of an end must not be lost
    if (!isFull(error) || !fs.existsSync(file)) throw error;
    const fd = fs.openSync(file, 'r+');
    try {
      const { size } = fs.fstatSync(fd);
      fs.writeSync(fd, text.padEnd(size), 0);
    } finally {
      fs.closeSync(fd);
    }
  }
}

/** Orders the session to end. The first reason stays. Whoever does this reads the record afterwards, never before. */
export function orderEnd(file: string, reason: 'killed' | 'stopped', since: string): void {
  try {
    fs.writeFileSync(file, `${JSON.stringify({ reason, since })}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    // on a full disk the file is there, and empty: that says it too
    if (!['EEXIST', 'ENOENT'].includes(errnoOf(error) ?? '') && !(isFull(error) && fs.existsSync(file)))
      throw error;
  }
}

/** Why the session is to end, or undefined where it is not. */
export function loadEndOrder(file: string): 'killed' | 'stopped' | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  return text.includes('"stopped"') ? 'stopped' : 'killed';
}

import fs from 'node:fs';
import path from 'node:path';

const KEPT_DAYS = 14;
const DAY_MS = 86_400_000;

/**
 * Notes what went wrong where nobody looks (the pump, work in the background) in `<logs>/hjk-<date>.log`, one JSON line each,
 * and removes files of more than 14 days ago. Takes ids and codes only: no argument, no value of a variable ever gets in.
 */
export function noteOwn(logs: string, now: number, event: Readonly<Record<string, string | number>>): void {
  try {
    const day = (ms: number): string => `hjk-${new Date(ms).toISOString().slice(0, 10)}.log`;
    const line = `${JSON.stringify({ time: new Date(now).toISOString(), pid: process.pid, ...event })}\n`;
    fs.appendFileSync(path.join(logs, day(now)), line, { mode: 0o600 });
    const oldest = day(now - KEPT_DAYS * DAY_MS);
    for (const name of fs.readdirSync(logs)) {
      if (/^hjk-\d{4}-\d{2}-\d{2}\.log$/.test(name) && name < oldest)
        fs.rmSync(path.join(logs, name), { force: true });
    }
  } catch {
    // no place to say it either
  }
}

import { printable } from '../core/printable.ts';
import type { InstanceEntry } from '../catalog/types.ts';

/** An entry as `--json` shows it: the catalog's fields, times in UTC. */
export function publicEntry(entry: InstanceEntry): Record<string, unknown> {
  return {
    ...entry,
    created_at: utc(entry.created_at),
    sessions: entry.sessions.map(session => ({
      ...session,
      created_at: utc(session.created_at),
      last_accessed: utc(session.last_accessed),
    })),
  };
}

export function utc(time: string): string {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? time : new Date(ms).toISOString();
}

/** What a start found out about sessions. */
export function endedNote(names: readonly string[]): string {
  return `Sessions that ended with their container: ${names.map(printable).join(', ')}; their logs stay`;
}

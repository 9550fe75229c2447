import { printable } from '../core/printable.ts';
import { durable, type Plumbing } from './plumbing.ts';
import { SNAPSHOTS } from './snapshot.ts';
import { parseMessage, type SnapshotMessage } from './snapshot-message.ts';

/** A snapshot as the repository has it. */
export interface StoredSnapshot {
  /** `<instance>-<n>`. */
  readonly id: string;
  readonly commit: string;
  /** Milliseconds since 1970. */
  readonly storedAt: number;
  readonly message: SnapshotMessage;
}

/** The snapshots of a repository, the newest first. What is none of ours, or damaged, is left out. */
export async function listSnapshots(git: Plumbing): Promise<StoredSnapshot[]> {
  const format = '%(refname)%00%(objectname)%00%(objecttype)%00%(committerdate:unix)%00%(contents)%00%01';
  const listing = await git.text(['for-each-ref', `--format=${format}`, SNAPSHOTS]);
  const found: StoredSnapshot[] = [];
  for (const record of listing.split('\0\u0001\n')) {
    const [ref = '', commit = '', type, date, contents = ''] = record.split('\0');
    const id = ref.slice(SNAPSHOTS.length);
    const message = type === 'commit' && /^[0-9a-f]{8}-\d+$/.test(id) ? parseMessage(contents) : undefined;
    if (message !== undefined) found.push({ id, commit, storedAt: Number(date) * 1000, message });
  }
  const number = (id: string): number => Number(id.split('-')[1]);
  return found.sort((a, b) => b.storedAt - a.storedAt || number(b.id) - number(a.id));
}

/** Deletes the ref, if it still is the one that was read. The objects go when git collects them. */
export async function dropSnapshot(git: Plumbing, snapshot: StoredSnapshot): Promise<boolean> {
  return (
    (await git.try([...durable, 'update-ref', '-d', SNAPSHOTS + snapshot.id, snapshot.commit])).code === 0
  );
}

/** What was stored, in words for a table. */
export function describeSnapshot(snapshot: StoredSnapshot): string {
  const { reasons, ignored } = snapshot.message;
  const [first = ignored ? 'ignored files' : 'the working tree'] = reasons;
  return printable(reasons.length > 1 ? `${first}; …` : first);
}

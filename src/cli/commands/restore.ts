import { formatAge } from '../../core/age.ts';
import { printable } from '../../core/printable.ts';
import { formatTime } from '../../core/time.ts';
import { HeadjackError } from '../../errors.ts';
import { listSnapshots, restoreInstance } from '../../operations/restore.ts';
import { describeSnapshot, type StoredSnapshot } from '../../git/snapshot-list.ts';
import type { Handler } from '../context.ts';
import { publicEntry } from '../public-entry.ts';
import { formatTable } from '../table.ts';

export const restore: Handler<{ list?: boolean; as?: string }> = async (context, words, flags) => {
  const [what] = words;
  const { services } = await context.open('restore');
  if (flags.list === true) {
    const found = await listSnapshots(services);
    const shown = what === undefined ? found : found.filter(s => s.message.branch === what || s.id === what);
    if (context.json) context.output.json({ snapshots: shown.map(publicSnapshot) });
    else context.output.answer(snapshotTable(shown, services.now()));
    return 0;
  }
  if (what === undefined)
    throw new HeadjackError('usage', 'restore needs a branch or a snapshot', { hint: 'hjk restore --list' });
  const { entry, snapshot } = await restoreInstance(services, { what, as: flags.as });
  if (context.json) context.output.json({ instance: publicEntry(entry), snapshot: publicSnapshot(snapshot) });
  else context.output.answer(`Restored ${snapshot.id} as branch ${entry.branch}: ${entry.worktree}`);
  const { nested } = snapshot.message;
  if (nested.length > 0)
    context.output.note(
      `Repositories inside came back as plain files: ${nested.map(n => printable(n.path)).join(', ')}; their commits are parents of ${snapshot.commit.slice(0, 12)}`,
    );
  context.output.note(`hjk run ${entry.branch} makes its container`);
  return 0;
};

function snapshotTable(snapshots: readonly StoredSnapshot[], now: number): string {
  if (snapshots.length === 0) return 'No snapshots found';
  const rows = snapshots.map(s => [
    s.id,
    printable(s.message.branch),
    formatAge(s.storedAt, now),
    describeSnapshot(s),
  ]);
  return formatTable(['SNAPSHOT', 'BRANCH', 'STORED', 'WHAT'], rows);
}

function publicSnapshot(snapshot: StoredSnapshot): Record<string, unknown> {
  const { id, commit, storedAt, message } = snapshot;
  const { instance, branch, head, detached, reasons, ignored } = message;
  return { id, commit, stored_at: formatTime(storedAt), instance, branch, head, detached, reasons, ignored };
}

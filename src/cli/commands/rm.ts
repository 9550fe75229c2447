import { describeNotStored } from '../../operations/not-stored.ts';
import { removeInstance } from '../../operations/remove.ts';
import { confirm } from '../confirm.ts';
import type { Handler } from '../context.ts';

export const rm: Handler<{
  force?: boolean;
  yes?: boolean;
  deleteBranch?: boolean;
  includeIgnored?: boolean;
}> = async (context, words, flags) => {
  const { services } = await context.open('rm');
  const removed = await removeInstance(services, {
    branch: words[0] ?? '',
    force: flags.force ?? false,
    yes: flags.yes ?? false,
    deleteBranch: flags.deleteBranch ?? false,
    includeIgnored: flags.includeIgnored ?? false,
    confirm: (entry, notStored) =>
      confirm(context, {
        question: `This will remove instance ${entry.id} for branch ${entry.branch}.\nWorktree at ${entry.worktree} will be deleted.${notStored.length === 0 ? '' : `\nIgnored files go with it, and are stored only with --include-ignored: ${describeNotStored(notStored)}`}`,
        what: `removing branch "${entry.branch}"`,
        instead: `hjk rm ${entry.branch} --yes`,
      }),
  });
  services.progress.done();
  if (removed === undefined) {
    context.output.answer('Canceled');
    return 0;
  }
  const { entry, branchDeleted, snapshot, notStored, worktreeKept } = removed;
  if (context.json)
    context.output.json({
      removed: [
        {
          id: entry.id,
          branch: entry.branch,
          branch_deleted: branchDeleted,
          ...(snapshot === undefined ? {} : { snapshot }),
          ...(notStored.length === 0 ? {} : { not_stored: notStored }),
          ...(worktreeKept ? { worktree_kept: entry.worktree } : {}),
        },
      ],
    });
  else context.output.answer(`Removed instance ${entry.id} for branch ${entry.branch}`);
  if (worktreeKept && !context.json)
    context.output.answer(`Its folder is kept, as nothing tells what is in it: ${entry.worktree}`);
  if (notStored.length > 0)
    context.output.note(`Ignored files went with it, and are not stored: ${describeNotStored(notStored)}`);
  if (snapshot !== undefined)
    context.output.note(`Its work is stored. To bring it back: hjk restore ${entry.branch}`);
  return 0;
};

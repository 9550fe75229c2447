import { createInterface } from 'node:readline/promises';
import type { InstanceEntry } from '../../catalog/types.ts';
import { HeadjackError } from '../../errors.ts';
import { removeInstance } from '../../operations/remove.ts';
import type { CommandContext, Handler } from '../context.ts';

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
    confirm: entry => confirm(context, entry),
  });
  services.progress.done();
  if (removed === undefined) {
    context.output.answer('Canceled');
    return 0;
  }
  const { entry, branchDeleted, snapshot } = removed;
  if (context.json)
    context.output.json({
      removed: [
        {
          id: entry.id,
          branch: entry.branch,
          branch_deleted: branchDeleted,
          ...(snapshot === undefined ? {} : { snapshot }),
        },
      ],
    });
  else context.output.answer(`Removed instance ${entry.id} for branch ${entry.branch}`);
  if (snapshot !== undefined)
    context.output.note(`Its work is stored. To bring it back: hjk restore ${entry.branch}`);
  return 0;
};

async function confirm(context: CommandContext, entry: InstanceEntry): Promise<boolean> {
  const { stdin, stderr } = context.io;
  if (!context.io.isTerminal('stdin') || !context.io.isTerminal('stdout')) {
    throw new HeadjackError(
      'confirmation_required',
      `removing branch "${entry.branch}" needs a confirmation`,
      { hint: `hjk rm ${entry.branch} --yes` },
    );
  }
  stderr.write(
    `This will remove instance ${entry.id} for branch ${entry.branch}.\nWorktree at ${entry.worktree} will be deleted.\n`,
  );
  const reader = createInterface({ input: stdin, output: stderr });
  try {
    const answer = await reader.question('Are you sure? [y/N] ', { signal: context.io.signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    throw context.io.signal.aborted ? context.io.signal.reason : error;
  } finally {
    reader.close();
  }
}

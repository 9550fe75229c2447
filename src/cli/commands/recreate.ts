import { recreateInstance } from '../../operations/recreate.ts';
import { confirm } from '../confirm.ts';
import type { Handler } from '../context.ts';
import { publicEntry } from '../public-entry.ts';
import { runOptions, type ContainerFlags } from './run.ts';

export const recreate: Handler<ContainerFlags & { yes?: boolean }> = async (context, words, flags) => {
  const { services } = await context.open('recreate');
  const options = runOptions(context, words[0] ?? '', flags);
  const entry = await recreateInstance(services, {
    ...options,
    yes: flags.yes ?? false,
    confirm: found =>
      confirm(context, {
        question: `This will end the sessions of branch ${found.branch} and make its container anew.\nThe worktree stays; what programs wrote elsewhere in the container goes.`,
        what: `making the container of branch "${found.branch}" anew`,
        instead: `hjk recreate ${found.branch} --yes`,
      }),
  });
  if (entry === undefined) context.output.answer('Canceled');
  else if (context.json) context.output.json({ instance: publicEntry(entry) });
  else context.output.answer(`Recreated instance ${entry.id} for branch ${entry.branch}`);
  return 0;
};

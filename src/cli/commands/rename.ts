import { renameInstance } from '../../operations/rename.ts';
import type { Handler } from '../context.ts';
import { publicEntry } from '../public-entry.ts';

export const rename: Handler<object> = async (context, words) => {
  const [from = '', to = ''] = words;
  const { services } = await context.open('rename');
  const entry = await renameInstance(services, from, to);
  if (context.json) context.output.json({ instance: publicEntry(entry) });
  else context.output.answer(`Renamed branch ${from} to ${to}`);
  context.output.note(
    `Programs that run already see the old name in HEADJACK_BRANCH until hjk recreate ${to}`,
  );
  return 0;
};

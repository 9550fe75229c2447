import { stopInstance } from '../../operations/stop.ts';
import type { Handler } from '../context.ts';

export const stop: Handler<object> = async (context, words) => {
  const { services } = await context.open('stop');
  const entry = await stopInstance(services, words[0] ?? '');
  context.output.answer(`Stopped instance ${entry.id} for branch ${entry.branch}`);
  return 0;
};

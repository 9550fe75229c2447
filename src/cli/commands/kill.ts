import { killSession, parseKillTarget } from '../../operations/kill.ts';
import type { Handler } from '../context.ts';

export const kill: Handler<object> = async (context, words) => {
  const target = parseKillTarget(words[0] ?? '');
  const { services } = await context.open('kill');
  const { entry, session } = await killSession(services, target);
  context.output.answer(`Killed session ${session.name} in instance ${entry.branch}`);
  return 0;
};

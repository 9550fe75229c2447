import { attachSession, chooseSession, requireTerminal } from '../../operations/attach.ts';
import type { Handler } from '../context.ts';
import { showUnseen } from '../unseen.ts';

export const attach: Handler<object> = async (context, words) => {
  const { services } = await context.open('attach');
  requireTerminal(services, 'hjk logs <branch> <session> -f follows a session without one');
  const { entry, session } = await chooseSession(services, { branch: words[0], session: words[1] });
  return showUnseen(context, services, entry, session, await attachSession(services, entry, session));
};

import { planAgent } from '../../agents/agent.ts';
import { HeadjackError } from '../../errors.ts';
import type { Handler } from '../context.ts';
import { openAndShow } from './exec.ts';

interface Flags {
  readonly detach?: boolean;
  readonly detached?: boolean;
  readonly name?: string;
  readonly prompt?: string;
}

export const agent: Handler<Flags> = async (context, words, flags) => {
  const [branch = '', name, ...more] = words;
  if (more.length > 0)
    throw new HeadjackError('usage', `too many words: ${more.join(' ')}`, {
      hint: 'flags for the agent follow --',
    });
  const { services } = await context.open('agent');
  const plan = planAgent(services.settings, { name, prompt: flags.prompt, flags: context.trailing });
  return openAndShow(context, branch, flags, { ...plan, name: flags.name });
};

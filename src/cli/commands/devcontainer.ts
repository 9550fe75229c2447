import { findProgram, installProgram } from '../../devcontainer/program.ts';
import { HeadjackError } from '../../errors.ts';
import type { Handler } from '../context.ts';

export const devcontainer: Handler<object> = async (context, words) => {
  const { services } = await context.open('devcontainer');
  const action = words[0] ?? '';
  if (action !== 'install' && action !== 'status')
    throw new HeadjackError('usage', `hjk devcontainer knows no "${action}"`, {
      hint: 'hjk devcontainer install',
    });
  if (action === 'install') services.progress.phase('installing the devcontainer CLI');
  const found =
    action === 'install' ? await installProgram(services.devcontainer) : findProgram(services.devcontainer);
  services.progress.done();
  if (context.json) context.output.json({ program: found ?? null });
  else if (found === undefined) context.output.answer('devcontainer CLI: not installed');
  else context.output.answer(`devcontainer CLI: ${found.file} (${found.source})`);
  return 0;
};

import { HeadjackError } from '../../errors.ts';
import { revokeTrust, trustBranch, type TrustView } from '../../operations/devcontainer/trust.ts';
import { confirm } from '../confirm.ts';
import type { Handler } from '../context.ts';

interface Flags {
  readonly from?: string;
  readonly devcontainer?: string;
  readonly yes?: boolean;
  readonly revoke?: boolean;
}

export const trust: Handler<Flags> = async (context, words, flags) => {
  const { services } = await context.open('trust');
  const { output } = context;
  const branch = words[0] ?? '';
  if (flags.revoke === true) {
    const revoked = revokeTrust(services);
    if (context.json) output.json({ revoked });
    else output.answer(`Took back ${String(revoked)} approval${revoked === 1 ? '' : 's'}`);
    return 0;
  }
  const view = await trustBranch(services, {
    branch,
    from: flags.from,
    devcontainer: flags.devcontainer,
    confirm: found => {
      if (!context.json) output.answer(describe(found));
      if (flags.yes === true) return Promise.resolve(true);
      return confirm(context, {
        question: `This approves ${found.file}, as shown, for every branch that has it so.`,
        what: `the approval of ${found.file} on branch "${branch}"`,
        instead: `look at it, then: hjk trust ${branch} --yes`,
      });
    },
  });
  if (view === undefined)
    throw new HeadjackError('ref_not_found', `branch "${branch}" has no devcontainer.json`, {
      hint: `nothing has to be approved: hjk run ${branch}`,
    });
  const { file, digest, reaches, approved } = view;
  if (context.json) output.json({ trust: { branch, file, digest, reaches, approved } });
  else if (reaches.length === 0) output.answer(`${file} of ${branch} reaches nothing of this machine`);
  else output.answer(approved ? `Approved ${file} of ${branch}` : 'Canceled');
  return 0;
};

function describe(view: TrustView): string {
  return [
    ...(view.diff === '' ? [] : [view.diff.trimEnd(), '']),
    `${view.file} reaches this machine:`,
    ...view.reaches.map(line => `  - ${line}`),
  ].join('\n');
}

import { endedNote } from '../public-entry.ts';
import { attachSession, requireTerminal } from '../../operations/attach.ts';
import { bridgeOrSay } from '../../operations/bridge.ts';
import { printable } from '../../core/printable.ts';
import type { Services } from '../../operations/services.ts';
import { execPlain } from '../../operations/exec-plain.ts';
import {
  awaitStart,
  openSession,
  requireSessionName,
  type SessionOrder,
} from '../../operations/open-session.ts';
import { requireRunning, type RunningInstance } from '../../operations/start-for-session.ts';
import type { CommandContext, Handler } from '../context.ts';
import { showUnseen } from '../unseen.ts';

interface Flags {
  readonly detach?: boolean;
  readonly detached?: boolean;
  readonly name?: string;
  readonly mux?: boolean;
}

export const exec: Handler<Flags> = async (context, words, flags) => {
  const [branch = '', ...command] = words;
  if (flags.mux === false) {
    const { services } = await context.open('exec');
    const running = await requireRunning(services, branch);
    services.progress.done();
    if (running.restarted && context.io.isTerminal('stderr')) context.output.note(restarted(running.entry));
    tellPeople(context, running);
    const said = await tellApart(context, { services, running });
    try {
      return await execPlain(services, running, command, context.io);
    } finally {
      await tellApart(context, { services, running, said });
    }
  }
  return openAndShow(context, branch, flags, {
    type: 'shell',
    agent: undefined,
    name: flags.name,
    command,
    env: {},
  });
};

/** Opens a session and attaches to it, or says that it was created. */
export async function openAndShow(
  context: CommandContext,
  branch: string,
  flags: Flags,
  order: SessionOrder,
): Promise<number> {
  const detached = flags.detach === true || flags.detached === true;
  const { services } = await context.open(
    order.type === 'shell' && order.agent === undefined ? 'exec' : 'agent',
  );
  requireSessionName(order.name);
  if (!detached)
    requireTerminal(services, 'use -d for a session in the background, or exec --no-mux for plain streams');
  const running = await requireRunning(services, branch);
  services.progress.done();
  if (running.restarted) context.output.answer(restarted(running.entry));
  tellPeople(context, running);
  await tellApart(context, { services, running });
  const session = await openSession(services, running, order);
  if (detached) {
    await awaitStart(services, running.entry, session);
    context.output.answer(`Created session ${session.name} in ${running.entry.id} (detached)`);
    return 0;
  }
  const shown = await attachSession(services, running.entry, session);
  return showUnseen(context, services, running.entry, session, shown);
}

/** What was committed on one side goes to the other; why it cannot is said, unless it was said just now. Gives that. */
async function tellApart(
  context: CommandContext,
  of: { readonly services: Services; readonly running: RunningInstance; readonly said?: string | undefined },
): Promise<string | undefined> {
  const { services, running, said } = of;
  const at = { entry: running.entry, container: running.container.id };
  const problem = await bridgeOrSay(services, at);
  if (problem !== undefined && problem !== said) context.output.warn(printable(problem));
  return problem;
}

/** What weakens the sandbox, and what a start found out. */
function tellPeople(context: CommandContext, running: RunningInstance): void {
  if (running.endedSessions.length > 0) context.output.note(endedNote(running.endedSessions));
  const { branch } = running.entry;
  if (running.outdated)
    context.output.note(
      `This container has the repository's own git directory, behind masks; to give it one of its own: hjk recreate ${branch}`,
    );
  for (const file of running.unprotected)
    context.output.note(
      `Warning: ${file} was replaced since this container started, so programs in it can write it; to protect it again: hjk stop ${branch} && hjk run ${branch}`,
    );
}

function restarted(entry: { id: string; branch: string }): string {
  return `Restarted instance ${entry.id} for branch ${entry.branch}`;
}

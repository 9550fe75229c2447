import { styleText } from 'node:util';
import { formatAge } from '../../core/age.ts';
import { parseTime } from '../../core/time.ts';
import { printable } from '../../core/printable.ts';
import { listInstances, type InstanceView } from '../../operations/ps.ts';
import type { BridgeState } from '../../git-directory/bridge/state.ts';
import type { SessionView } from '../../operations/session-states.ts';
import type { CommandContext, Handler } from '../context.ts';
import { publicEntry, utc } from '../public-entry.ts';
import { formatTable } from '../table.ts';

export const ps: Handler<{ all?: boolean }> = async (context, words, flags) => {
  const { services } = await context.open('ps');
  const [branch] = words;
  const scope =
    branch !== undefined
      ? ({ kind: 'branch', branch } as const)
      : flags.all === true
        ? ({ kind: 'all' } as const)
        : ({ kind: 'repository' } as const);
  const { instances, engineError } = await listInstances(services, scope);
  const now = services.now();
  if (context.json) {
    const { exposureOf } = await import('../../operations/exposure.ts');
    context.output.json({
      instances: instances.map(view => ({ ...publicView(view), ...exposureOf(services, view.entry) })),
    });
  } else if (branch !== undefined) context.output.answer(sessionTable(instances[0]?.sessions ?? [], now));
  else context.output.answer(instanceTable(context, instances, { now, all: flags.all === true }));
  if (engineError === undefined) return 0;
  if (context.json) context.output.error(engineError);
  else
    context.output.warn(
      `${engineError.message}${engineError.hint === undefined ? '' : `\nhint: ${engineError.hint}`}`,
    );
  return engineError.exitCode;
};

function instanceTable(
  context: CommandContext,
  instances: readonly InstanceView[],
  show: { now: number; all: boolean },
): string {
  if (instances.length === 0) return 'No instances found';
  const rows = instances.map(({ entry, status, sessions, bridge }) => [
    printable(entry.branch),
    colored(context, status) + asideOf(entry.branch, bridge),
    String(sessions.length),
    formatAge(parseTime(entry.created_at), show.now),
    ...(show.all ? [printable(entry.repo)] : []),
  ]);
  return formatTable(['BRANCH', 'STATUS', 'SESSIONS', 'CREATED', ...(show.all ? ['REPOSITORY'] : [])], rows);
}

function sessionTable(sessions: readonly SessionView[], now: number): string {
  if (sessions.length === 0) return 'No sessions found';
  const rows = sessions.map(({ session, record, state }) => [
    printable(session.name),
    session.agent ?? printable(session.type),
    state === 'exited' ? `exited (${String(record?.exit_code ?? session.exit_code ?? '?')})` : state,
    formatAge(parseTime(session.created_at), now),
    formatAge(parseTime(session.last_accessed), now),
  ]);
  return formatTable(['SESSION', 'TYPE', 'STATUS', 'CREATED', 'ACCESSED'], rows);
}

/** What of the git inside differs from what one expects: another branch is checked out there, or the two sides are apart. */
function asideOf(branch: string, bridge: BridgeState | undefined): string {
  if (bridge === undefined) return '';
  const head = bridge.inside?.head ?? null;
  const named = head === null ? undefined : /^refs\/heads\/(.*)$/.exec(head)?.[1];
  const shown = named === undefined ? undefined : Buffer.from(named, 'latin1').toString('utf8');
  const elsewhere =
    bridge.inside === null || shown === branch
      ? []
      : [shown === undefined ? 'detached' : `on ${printable(shown)}`];
  const apart = bridge.problem === null ? [] : [apartWords[bridge.problem.kind]];
  return [...elsewhere, ...apart].map(text => `, ${text}`).join('');
}

const apartWords: Readonly<Record<NonNullable<BridgeState['problem']>['kind'], string>> = {
  'both-moved': 'moved on both sides',
  'gone-on-host': 'branch deleted here',
  'gone-inside': 'branch deleted inside',
  gitlink: 'not carried: a nested repository',
  refused: 'not carried: refused',
  'host-locked': 'waits for a git here',
  'inside-locked': 'waits for a git inside',
  'host-unfinished': 'waits: unfinished here',
  'inside-unfinished': 'waits: unfinished inside',
  'checked-out-elsewhere': 'waits: checked out elsewhere',
};

function colored(context: CommandContext, status: string): string {
  if (!context.output.colors) return status;
  return styleText(
    status === 'running' ? 'green' : status === 'error' || status === 'unknown' ? 'red' : 'yellow',
    status,
  );
}

function publicView({ entry, status, sessions, bridge }: InstanceView): Record<string, unknown> {
  return {
    ...publicEntry(entry),
    status,
    ...(bridge === undefined
      ? {}
      : { git: { inside: bridge.inside, commit: bridge.carried, problem: bridge.problem } }),
    sessions: sessions.map(({ session, record, state }) => {
      const exitCode = record?.exit_code ?? session.exit_code;
      const endedAt = record?.ended_at ?? session.ended_at;
      return {
        ...session,
        created_at: utc(session.created_at),
        last_accessed: utc(session.last_accessed),
        state,
        ...(exitCode === undefined ? {} : { exit_code: exitCode }),
        ...(endedAt === undefined ? {} : { ended_at: utc(endedAt) }),
      };
    }),
  };
}

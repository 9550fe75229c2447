import { printable } from '../../core/printable.ts';
import { HeadjackError } from '../../errors.ts';
import type { BridgeState } from '../../git-directory/bridge/state.ts';
import { syncInstances, type Synced } from '../../operations/sync.ts';
import type { Handler } from '../context.ts';

/** Exit code where a side could not be brought to the other one: nothing is lost, and somebody has to decide. */
const APART = 4;

export const sync: Handler<{ all?: boolean; allowGitlinks?: boolean }> = async (context, words, flags) => {
  const [branch] = words;
  if (branch !== undefined && flags.all === true)
    throw new HeadjackError('usage', 'give a branch, or --all', { hint: 'hjk sync --all' });
  const { services } = await context.open('sync');
  const synced = await syncInstances(services, {
    branch,
    all: flags.all === true,
    allowLinks: flags.allowGitlinks === true,
  });
  if (context.json) context.output.json({ instances: synced.map(publicView) });
  else if (synced.length === 0) context.output.answer('No instances found');
  else for (const one of synced) context.output.answer(say(one));
  return synced.some(({ report }) => report !== undefined && report.state.problem !== null) ? APART : 0;
};

function say({ entry, report, skipped }: Synced): string {
  const name = printable(entry.branch);
  if (skipped === 'shared') return `${name}: shares the repository's git directory, nothing to carry`;
  if (skipped === 'stopped' || report === undefined) return `${name}: does not run`;
  const { problem, carried } = report.state;
  const hint = hintFor(problem, entry.branch);
  const more = [
    ...(hint === undefined ? [] : [`hint: ${hint}`]),
    ...report.arrived.map(ref => `new here: ${shortName(ref)}`),
    ...report.kept.map(ref => `not brought here, the name is not free: ${shortName(ref)}`),
  ];
  const what =
    problem !== null
      ? printable(problem.text)
      : report.moved === 'host'
        ? `came here, now at ${short(carried)}`
        : report.moved === 'inside'
          ? `went inside, now at ${short(carried)}`
          : `level at ${short(carried)}`;
  return [`${name}: ${what}`, ...more.map(line => `  ${printable(line)}`)].join('\n');
}

function hintFor(problem: BridgeState['problem'], branch: string): string | undefined {
  const kind = problem?.kind;
  if (kind === 'both-moved') return `inside, commit what is in the worktree, then: git merge host/${branch}`;
  if (kind === 'gitlink') return `look at it; to let it out: hjk sync ${branch} --allow-gitlinks`;
  if (kind === 'host-locked') return 'wait for that git; if none runs, remove the index.lock of the worktree';
  return undefined;
}

const short = (object: string | null): string => (object ?? 'nothing').slice(0, 10);
const shortName = (ref: string): string => ref.replace(/^refs\/(?:heads|tags)\//, '');

function publicView({ entry, report, skipped }: Synced): Record<string, unknown> {
  const state = report?.state;
  return {
    id: entry.id,
    branch: entry.branch,
    skipped: skipped ?? null,
    moved: report?.moved ?? null,
    commit: state?.carried ?? null,
    inside: state?.inside ?? null,
    problem: state?.problem ?? null,
    arrived: report?.arrived ?? [],
    kept: report?.kept ?? [],
  };
}

import { formatAge } from '../../core/age.ts';
import { parseDuration } from '../../core/duration.ts';
import { printable } from '../../core/printable.ts';
import { formatTime } from '../../core/time.ts';
import { HeadjackError } from '../../errors.ts';
import { findPrunable, type Candidate } from '../../operations/prunable.ts';
import { prune as pruneAll, type Pruned } from '../../operations/prune.ts';
import { confirm } from '../confirm.ts';
import type { Handler } from '../context.ts';
import { formatTable } from '../table.ts';

interface Flags {
  readonly dryRun?: boolean;
  readonly minAge: string;
  readonly merged?: boolean;
  readonly allRepos?: boolean;
  readonly includeIgnored?: boolean;
  readonly yes?: boolean;
}

export const prune: Handler<Flags> = async (context, _words, flags) => {
  const minAgeMs = parseDuration(flags.minAge);
  if (minAgeMs === undefined)
    throw new HeadjackError('usage', `--min-age: "${flags.minAge}" is no age`, {
      hint: 'for instance --min-age 14d',
    });
  const { services } = await context.open('prune');
  const options = {
    minAgeMs,
    merged: flags.merged === true,
    allRepositories: flags.allRepos === true,
    includeIgnored: flags.includeIgnored === true,
  };
  const candidates = await findPrunable(services, options);
  const going = candidates.filter(candidate => candidate.kept === undefined);
  const terminal = context.io.isTerminal('stdin') && context.io.isTerminal('stdout');
  const dry = flags.dryRun === true || (!terminal && flags.yes !== true);
  if (dry || going.length === 0) {
    if (context.json) context.output.json({ dry_run: dry, items: candidates.map(c => publicItem(c, false)) });
    else context.output.answer(table(candidates, services.now()));
    if (going.length > 0)
      context.output.note('Nothing was removed. hjk prune --yes removes what has no reason to stay');
    return 0;
  }
  if (flags.yes !== true) {
    const question = `${table(candidates, services.now())}\nThis will remove ${String(going.length)} of these.`;
    if (!(await confirm(context, { question, what: 'pruning', instead: 'hjk prune --yes' }))) {
      context.output.answer('Canceled');
      return 0;
    }
  }
  const done = await pruneAll(services, candidates, options);
  if (context.json)
    context.output.json({
      dry_run: false,
      items: done.map(item => publicItem(item, item.kept === undefined && item.error === undefined)),
    });
  else context.output.answer(done.map(tell).join('\n'));
  return done.some(item => item.error !== undefined) ? 8 : 0;
};

function table(candidates: readonly Candidate[], now: number): string {
  if (candidates.length === 0) return 'Nothing to prune';
  const rows = candidates.map(c => [
    c.kind,
    c.id,
    printable(c.branch),
    formatAge(c.since, now),
    printable(c.what),
    c.kept === undefined ? 'goes' : `stays: ${printable(c.kept)}`,
  ]);
  return formatTable(['KIND', 'ID', 'BRANCH', 'USED', 'WHAT', ''], rows);
}

function tell(item: Pruned): string {
  const name = `${item.kind} ${item.id} (${printable(item.branch)})`;
  if (item.error !== undefined) return `Failed: ${name}: ${printable(item.error)}`;
  return item.kept === undefined ? `Removed ${name}` : `Kept ${name}: ${printable(item.kept)}`;
}

function publicItem(item: Candidate | Pruned, removed: boolean): Record<string, unknown> {
  const { kind, id, branch, repository, since, what, kept } = item;
  const error = 'error' in item ? item.error : undefined;
  return {
    kind,
    id,
    branch,
    repository,
    since: formatTime(since),
    what,
    ...(kept === undefined ? {} : { kept }),
    ...(error === undefined ? {} : { error }),
    removed,
  };
}

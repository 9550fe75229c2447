import { styleText } from 'node:util';
import { printable } from '../../core/printable.ts';
import { HeadjackError } from '../../errors.ts';
import { diagnose, type Diagnosis } from '../../operations/doctor.ts';
import type { CommandContext, Handler } from '../context.ts';

interface Flags {
  readonly fix?: boolean;
  readonly dryRun?: boolean;
  readonly adopt?: readonly string[];
  readonly remove?: readonly string[];
}

export const doctor: Handler<Flags> = async (context, _words, flags) => {
  const { services, unknownKeys } = await context.open('doctor');
  const { adopt = [], remove = [] } = flags;
  if ((adopt.length > 0 || remove.length > 0) && flags.fix !== true)
    throw new HeadjackError('usage', '--adopt and --remove need --fix', {
      hint: `hjk doctor --fix ${adopt.length > 0 ? `--adopt ${adopt[0] ?? ''}` : `--remove ${remove[0] ?? ''}`}`,
    });
  const all = await diagnose(services, {
    fix: flags.fix === true,
    dryRun: flags.dryRun === true,
    adopt,
    remove,
    unknownKeys,
  });
  if (context.json) context.output.json({ findings: all.map(publicFinding), ok: exitCode(all) === 0 });
  else context.output.answer(report(context, all, flags.fix === true));
  return exitCode(all);
};

/** 0 where nothing is left; else by what is: 9 for the catalog, 7 for what is missing, 5 for what waits for a decision. */
function exitCode(all: readonly Diagnosis[]): number {
  const left = all.filter(item => item.severity === 'problem' && item.state !== 'fixed');
  if (left.some(item => item.code === 'catalog-unusable')) return 9;
  if (left.some(item => /-(unusable|old)$/.test(item.code))) return 7;
  return left.length === 0 ? 0 : 5;
}

function report(context: CommandContext, all: readonly Diagnosis[], fixing: boolean): string {
  if (all.length === 0) return 'Everything is in order';
  const paint = (color: 'green' | 'red' | 'yellow', text: string): string =>
    context.output.colors ? styleText(color, text) : text;
  const words = {
    fixed: paint('green', 'fixed'),
    failed: paint('red', 'failed'),
    planned: paint('yellow', 'would fix'),
    open: paint('red', 'problem'),
  };
  const lines = all.flatMap(item => [
    `${item.state === 'open' && item.severity === 'note' ? paint('yellow', 'note') : words[item.state]}  ${item.code}  ${printable(item.subject)}`,
    ...item.evidence.map(line => `  - ${printable(line)}`),
    ...(item.error === undefined ? [] : [`  ${printable(item.error)}`]),
    ...(item.state === 'fixed'
      ? []
      : [`  repair: ${item.repair}${item.risk === 'none' ? '' : ` (${item.risk})`}`]),
  ]);
  const waiting = all.filter(item => item.state === 'open' && item.automatic).length;
  if (!fixing && waiting > 0)
    lines.push('', `hjk doctor --fix repairs ${String(waiting)} of these; nothing is lost by it`);
  return lines.join('\n');
}

function publicFinding(item: Diagnosis): Record<string, unknown> {
  const { error, ...rest } = item;
  return { ...rest, ...(error === undefined ? {} : { error }) };
}

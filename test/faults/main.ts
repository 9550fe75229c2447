/**
 * npm run faults [-- scenario…] [--mode kill,ENOSPC,…] [--lanes 3] [--sample 5 [--offset 2]]
 * Stops every command at every boundary, makes every call fail, and prints what came of it.
 */
import { parseArgs } from 'node:util';
import { countBoundaries, Lane, plan, runAll, type Mode, type Outcome } from './harness.ts';
import { scenarios } from './scenarios.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    mode: { type: 'string', default: 'kill,ENOSPC,EROFS,EACCES,EIO,fail,500,gone,hang,clock' },
    lanes: { type: 'string', default: '3' },
    sample: { type: 'string', default: '1' },
    offset: { type: 'string', default: '0' },
    at: { type: 'string' },
  },
});
const chosen = scenarios.filter(s => positionals.length === 0 || positionals.includes(s.name));
const modes = values.mode.split(',') as Mode[];
const every = Number(values.sample);
const lanes = Array.from({ length: Number(values.lanes) }, () => new Lane());
const rows: string[][] = [];
let failures = 0;
try {
  for (const scenario of chosen) {
    const boundaries = await countBoundaries(lanes[0]!, scenario);
    for (const mode of modes) {
      const trials = plan(scenario, mode, boundaries).filter(
        (trial, i) =>
          i % every === Number(values.offset) && (values.at === undefined || trial.at === Number(values.at)),
      );
      const outcomes = await runAll(lanes, trials);
      const failed = outcomes.filter(o => o.wrong.length > 0);
      failures += failed.length;
      for (const { trial, label, wrong } of failed)
        console.log(
          `FAILED ${scenario.name}, ${mode}${trial.onward ? ' onward' : ''} at ${trial.at} (${label}), then ${trial.first}:\n${wrong.map(w => `  - ${w}`).join('\n')}`,
        );
      const count = (test: (o: Outcome) => boolean): string => String(outcomes.filter(test).length);
      rows.push([
        scenario.name,
        mode,
        String(trials.length),
        count(o => o.reached),
        count(o => o.unharmed && o.reached),
        count(o => o.repaired),
        String(failed.length),
      ]);
      console.log(rows.at(-1)!.join('\t'));
    }
  }
} finally {
  for (const lane of lanes) await lane.close();
}
const header = ['command', 'fault', 'boundaries', 'reached', 'unharmed', 'repaired', 'failed'];
const widths = header.map((name, i) => Math.max(name.length, ...rows.map(row => row[i]!.length)));
console.log();
for (const row of [header, ...rows]) console.log(row.map((cell, i) => cell.padEnd(widths[i]!)).join('  '));
process.exitCode = failures === 0 ? 0 : 1;

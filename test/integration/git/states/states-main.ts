// Random states of worktrees, removed by force and restored: `npm run states -- --states 2000 --seed 1`.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeFolder } from '../../../support/sandbox.ts';
import { edits } from './edits.ts';
import { tryEdits, tryState, type Outcome } from './round-trip.ts';
import { makeTemplate, random } from './world.ts';

const { values } = parseArgs({
  options: {
    states: { type: 'string', default: '2000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    /** Each edit by itself, before the random ones. */
    each: { type: 'boolean', default: false },
    /** One edit, or several: --edit a --edit b. */
    edit: { type: 'string', multiple: true },
  },
});

const folder = fs.existsSync('/dev/shm') ? fs.mkdtempSync('/dev/shm/hjk-test-') : makeFolder();
const template = makeTemplate(path.join(folder, 'template'));
const counts = new Map<string, number>();
let failed = 0;

const report = (outcome: Outcome): void => {
  counts.set(outcome.how, (counts.get(outcome.how) ?? 0) + 1);
  if (outcome.failures.length === 0) return;
  failed++;
  const shown = outcome.failures.slice(0, 8).map(text => `    ${text.slice(0, 400)}`);
  process.stdout.write(`FAILED seed ${outcome.seed}: ${JSON.stringify(outcome.made)}\n${shown.join('\n')}\n`);
};
const failure = (seed: number, made: readonly string[], error: unknown): Outcome => ({
  seed,
  made,
  how: 'refused',
  failures: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
});

const seed = Number(values.seed);
process.stdout.write(`seed ${seed}\n`);
try {
  const alone =
    values.edit === undefined ? (values.each ? Object.keys(edits).map(name => [name]) : []) : [values.edit];
  for (const [i, chosen] of alone.entries())
    report(
      await tryEdits(template, { seed: i, chosen, pick: random(seed + i) }).catch((e: unknown) =>
        failure(i, chosen, e),
      ),
    );
  for (let i = 0; i < (values.edit === undefined ? Number(values.states) : 0); i++)
    report(await tryState(template, seed + i).catch((e: unknown) => failure(seed + i, [], e)));
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${[...counts].map(([how, n]) => `${n} ${how}`).join(', ')}; ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

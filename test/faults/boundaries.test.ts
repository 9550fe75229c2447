import { afterAll, expect, it } from 'vitest';
import { countBoundaries, Lane, plan, runAll, type Mode, type Trial } from './harness.ts';
import { scenarios } from './scenarios.ts';

// `npm run faults` tries everything; here `run` and `rm` are stopped at every boundary, the rest at a sample of them.
const lanes = Array.from({ length: 4 }, () => new Lane());
afterAll(async () => {
  for (const lane of lanes) await lane.close();
});
const whole = new Set(['run', 'rm --force']);
const modes: readonly Mode[] = ['ENOSPC', 'EROFS', 'EIO', 'fail', '500', 'gone', 'hang', 'clock'];
/** How many boundaries of the other commands, and how many failing calls, each run of the tests tries. */
const SAMPLE = 4;
const FAILURES = 3;

it.each(scenarios)(
  '$name, killed',
  async scenario => {
    const boundaries = await countBoundaries(lanes[0]!, scenario);
    const trials = plan(scenario, 'kill', boundaries);
    const chosen = whole.has(scenario.name) ? trials : pick(trials, SAMPLE, scenario.name.length);
    const outcomes = await runAll(lanes, chosen);
    expect(outcomes.filter(o => o.wrong.length > 0)).toEqual([]);
    expect(outcomes.filter(o => o.reached).length).toBeGreaterThanOrEqual(chosen.length / 2);
  },
  900_000,
);

it.each(scenarios)(
  '$name, with calls that fail',
  async scenario => {
    const boundaries = await countBoundaries(lanes[0]!, scenario);
    const all = modes.flatMap(mode => plan(scenario, mode, boundaries));
    const trials: Trial[] = pick(all, FAILURES, scenario.name.length);
    const outcomes = await runAll(lanes, trials);
    expect(outcomes.filter(o => o.wrong.length > 0)).toEqual([]);
  },
  900_000,
);

/** Some of them, spread over all; which ones depends on the offset. */
function pick<T>(from: readonly T[], count: number, offset: number): T[] {
  const step = Math.max(1, Math.floor(from.length / count));
  return from.filter((_, i) => i % step === offset % step).slice(0, count);
}

import { afterAll, expect, it } from 'vitest';
import { countBoundaries, Lane, plan, runAll, type Mode, type Trial } from './harness.ts';
import { scenarios } from './scenarios.ts';

// `npm run faults` tries everything; here `run` and `rm` are stopped at every boundary, the rest at a sample of them.
const lanes = Array.from({ length: 3 }, () => new Lane());
afterAll(async () => {
  for (const lane of lanes) await lane.close();
});
const whole = new Set(['run', 'rm --force']);
const modes: readonly Mode[] = ['ENOSPC', 'EROFS', 'EIO', 'fail', '500', 'gone', 'hang', 'clock'];
const SAMPLE = 20;

it.each(scenarios)(
  '$name, killed',
  async scenario => {
    const boundaries = await countBoundaries(lanes[0]!, scenario);
    const trials = plan(scenario, 'kill', boundaries);
    const chosen = whole.has(scenario.name) ? trials : pick(trials, scenario.name.length);
    const outcomes = await runAll(lanes, chosen);
    expect(outcomes.filter(o => o.wrong.length > 0)).toEqual([]);
    expect(outcomes.filter(o => o.reached).length).toBeGreaterThan(chosen.length / 2);
  },
  900_000,
);

it.each(scenarios)(
  '$name, with calls that fail',
  async scenario => {
    const boundaries = await countBoundaries(lanes[0]!, scenario);
    const trials = modes.flatMap((mode, i) => pick(plan(scenario, mode, boundaries), i).slice(0, 1));
    const outcomes = await runAll(lanes, trials);
    expect(outcomes.filter(o => o.wrong.length > 0)).toEqual([]);
  },
  900_000,
);

/** Some of them, not always the same kind: one in so many, from an offset on. */
function pick(trials: readonly Trial[], offset: number): Trial[] {
  const first = trials.length === 0 ? 0 : offset % Math.min(SAMPLE, trials.length);
  return trials.filter((_, i) => i % SAMPLE === first);
}

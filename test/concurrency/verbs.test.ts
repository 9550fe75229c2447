import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { docker, ended, makeSandbox, ownerOf, until, type Ran, type Sandbox } from '../support/sandbox.ts';

const together = (box: Sandbox, lines: string[][]): Promise<Ran[]> =>
  Promise.all(lines.map(args => box.hjk(...args)));
const containers = (box: Sandbox): string[] =>
  docker('ps', '-aq', '--filter', `label=dev.headjack.owner=${ownerOf(`${box.stateRoot}/catalog.json`)}`)
    .split('\n')
    .filter(Boolean);
/** Catalog, git and engine say the same. */
function expectAgreement(box: Sandbox): void {
  const { entries } = box.catalog();
  expect(entries.filter(e => e.operation !== undefined)).toEqual([]);
  expect(containers(box)).toHaveLength(entries.filter(e => e.container_id !== '').length);
  const trees = box
    .git('worktree', 'list', '--porcelain')
    .split('\n')
    .filter(l => l.startsWith('worktree '))
    .slice(1)
    .map(l => l.slice(9));
  expect(trees.sort()).toEqual(entries.map(e => e.worktree).sort());
}

describe('many at once', () => {
  it('two runs of one branch give one instance, whichever makes it', async () => {
    await using box = makeSandbox();
    const [a, b, c] = await together(box, [
      ['run', 'x'],
      ['run', 'x'],
      ['run', 'x'],
    ]);
    expect([a!.code, b!.code, c!.code]).toEqual([0, 0, 0]);
    expect(new Set([a!.stdout, b!.stdout, c!.stdout]).size).toBe(1);
    expect(box.catalog().entries).toHaveLength(1);
    expectAgreement(box);
  });
  it('runs of different branches do not disturb each other', async () => {
    await using box = makeSandbox();
    const ran = await together(
      box,
      Array.from({ length: 6 }, (_, i) => ['run', `b${i}`]),
    );
    expect(ran.map(r => r.stderr)).toEqual(Array(6).fill(''));
    expect(box.catalog().entries).toHaveLength(6);
    expectAgreement(box);
  });
  it.each([false, true])('16 exec -d at once give 16 sessions (on a stopped instance: %s)', async stopped => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    if (stopped) await box.ok('stop', 'x');
    const ran = await together(
      box,
      Array.from({ length: 16 }, (_, i) => ['exec', 'x', '-d', '-n', `s${i}`, 'sleep', '100']),
    );
    expect(ran.filter(r => r.code !== 0)).toEqual([]);
    expect(ran.filter(r => r.stdout.includes('Restarted'))).toHaveLength(stopped ? 1 : 0);
    expect(new Set(box.catalog().entries[0]!.sessions.map(s => s.name)).size).toBe(16);
    const states = (
      JSON.parse(await box.ok('ps', '--json')) as { instances: { sessions: { state: string }[] }[] }
    ).instances[0]!.sessions.map(s => s.state);
    expect(states).toEqual(Array(16).fill('detached'));
    await box.ok('rm', 'x', '--yes');
  });
  it('of several exec with one name one wins', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const ran = await together(
      box,
      Array.from({ length: 5 }, () => ['exec', 'x', '-d', '-n', 'same', 'sleep', '100']),
    );
    expect(ran.map(r => r.code).sort()).toEqual([0, 4, 4, 4, 4]);
    expect(box.catalog().entries[0]!.sessions).toHaveLength(1);
  });
});

describe('every pair of verbs at once ends in agreement, each with an answer of its own', () => {
  const verbs: Record<string, string[]> = {
    run: ['run', 'x'],
    stop: ['stop', 'x'],
    rm: ['rm', 'x', '--yes'],
    exec: ['exec', 'x', '-d', 'sleep', '100'],
    kill: ['kill', 'x/s'],
    logs: ['logs', 'x', 's'],
    ps: ['ps', 'x'],
  };
  const names = Object.keys(verbs);
  const pairs = names.flatMap((a, i) => names.slice(i).map(b => [a, b] as const));
  /** Exit codes that a verb may have while the other one works: done, not there any more, busy. */
  const allowed = new Set([0, 3, 4]);
  it.each(pairs)('%s and %s', async (a, b) => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    await box.ok('exec', 'x', '-d', '-n', 's', 'sleep', '100');
    const ran = await together(box, [verbs[a]!, verbs[b]!]);
    for (const r of ran) expect(allowed.has(r.code), r.stderr).toBe(true);
    for (const r of ran) if (r.code !== 0) expect(r.stderr).toMatch(/^Error: .+\nhint: .+\n$/);
    expectAgreement(box);
    const again = await box.hjk('run', 'x');
    expect(again).toMatchObject({ code: 0 });
    await box.ok('rm', 'x', '--yes');
    expectAgreement(box);
  });
});

it('rm fails while another verb works, and names its pid and verb', async () => {
  await using box = makeSandbox();
  await box.ok('run', 'x');
  await box.ok('exec', 'x', '-d', '-n', 's', 'sh', '-c', 'trap "" TERM HUP; while :; do sleep 1; done');
  const stopping = box.spawn(['stop', 'x']);
  const stopped = ended(stopping);
  await until('stop works', () => box.catalog().entries[0]!.operation !== undefined);
  const ran = await box.hjk('rm', 'x', '--yes');
  expect(ran).toMatchObject({ code: 4 });
  expect(ran.stderr).toMatch(/hjk stop \(pid \d+\) works on branch "x"/);
  expect(await box.hjk('exec', 'x', '-d', 'ls')).toMatchObject({ code: 4 });
  const run = box.hjk('run', 'x');
  expect((await stopped).code).toBe(0);
  expect(await run).toMatchObject({ code: 0 });
  expect(fs.existsSync(box.catalog().entries[0]!.worktree)).toBe(true);
});

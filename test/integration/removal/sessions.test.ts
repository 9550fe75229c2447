import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { docker, makeSandbox, until, type Sandbox } from '../../support/sandbox.ts';

interface Shown {
  instances: { sessions: { name: string; state: string }[] }[];
}
const state = async (box: Sandbox): Promise<string | undefined> =>
  (JSON.parse(await box.ok('ps', '--json')) as Shown).instances[0]!.sessions[0]?.state;

/** What an engine that is restarted does to a session: its pump could not learn how the program ended, or died too. */
async function losePump(box: Sandbox, how: 'lost' | 'dead'): Promise<string> {
  await box.ok('run', 'x');
  await box.ok('exec', 'x', '-d', '-n', 'build', 'sleep', '1000');
  const [entry] = box.catalog().entries;
  const file = path.join(box.stateRoot, 'instances', entry!.id, `${entry!.sessions[0]!.id}.json`);
  const record = JSON.parse(fs.readFileSync(file, 'utf8')) as { pump: { pid: number } };
  process.kill(record.pump.pid, 'SIGKILL');
  await until('the end of the pump', () => !fs.existsSync(`/proc/${record.pump.pid}/exe`));
  const ended = { ended_at: new Date().toISOString(), reason: 'lost' };
  fs.writeFileSync(file, JSON.stringify({ ...record, ...(how === 'lost' ? ended : {}) }));
  return entry!.container_id;
}

it.each([
  ['its pump gave up', 'lost', ['start', 'x']],
  ['its pump gave up', 'lost', ['exec', 'x', '--no-mux', 'true']],
  ['its pump died', 'dead', ['run', 'x']],
] as const)(
  'a session whose container was stopped from outside and %s (%s) is free after %j',
  async (_w, how, args) => {
    await using box = makeSandbox();
    const container = await losePump(box, how);
    expect(await state(box)).toBe('lost'); // its program runs
    expect(await box.hjk('exec', 'x', '-d', '-n', 'build', 'true')).toMatchObject({ code: 4 });
    docker('stop', '-t', '0', container);
    await box.ok(...args);
    expect(await state(box)).toBe('ended');
    await box.ok('exec', 'x', '-d', '-n', 'build', 'sleep', '1000');
    expect(await state(box)).toBe('detached');
  },
);

it('a session whose container was restarted behind our back has ended', async () => {
  await using box = makeSandbox();
  const container = await losePump(box, 'dead');
  docker('restart', '-t', '0', container);
  expect(await state(box)).toBe('ended');
  await box.ok('exec', 'x', '-d', '-n', 'build', 'sleep', '1000');
  await box.ok('kill', 'x/build');
});

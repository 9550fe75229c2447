import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { absolutePath, findProgram } from '../../../src/process/programs.ts';
import { runCaptured } from '../../../src/process/run.ts';
import { makeFolder } from '../../support/sandbox.ts';

const env = { PATH: '/usr/bin:/bin' };

it.each([
  ['.:/usr/bin', '/usr/bin'],
  [':/usr/bin', '/usr/bin'],
  ['/usr/bin:', '/usr/bin'],
  ['/usr/bin::/bin', '/usr/bin:/bin'],
  ['bin:./x:../y:/usr/bin', '/usr/bin'],
  ['~/bin:/usr/bin', '/usr/bin'],
  ['', ''],
  [undefined, '/usr/local/bin:/usr/bin:/bin'],
])('of PATH=%s the absolute folders count', (given, wanted) => {
  expect(absolutePath({ PATH: given })).toBe(wanted);
});

it('a program is found on the PATH, by its absolute path, and never where one stands', () => {
  expect(findProgram('sh', env)).toMatch(/^\/(usr\/)?bin\/sh$/);
  expect(findProgram('sh', { PATH: '' })).toBeUndefined();
  expect(findProgram('./sh', env)).toBeUndefined();
  expect(findProgram('../bin/sh', env)).toBeUndefined();
  expect(findProgram('', env)).toBeUndefined();
});

it('a folder or a file that cannot be run is no program', () => {
  const folder = makeFolder();
  fs.mkdirSync(path.join(folder, 'a/sh'), { recursive: true });
  fs.mkdirSync(path.join(folder, 'b'));
  fs.writeFileSync(path.join(folder, 'b/sh'), '', { mode: 0o644 });
  expect(findProgram('sh', { PATH: `${folder}/a:${folder}/b` })).toBeUndefined();
  fs.rmSync(folder, { recursive: true });
});

it('children get the same PATH', async () => {
  const ran = await runCaptured('sh', ['-c', 'echo "$PATH"'], { env: { PATH: '.:/usr/bin::/bin' } });
  expect(ran.stdout.toString()).toBe('/usr/bin:/bin\n');
});

it('what takes too long is ended, and what ignores that is killed, with the streams that others hold', async () => {
  const script = 'trap "" TERM; sleep 1000 & while :; do sleep 1; done';
  const ran = await runCaptured('sh', ['-c', script], { env, timeoutMs: 50 });
  expect(ran).toMatchObject({ code: null, signal: 'SIGKILL', exceeded: 'time' });
  const orphan = fs
    .readdirSync('/proc')
    .filter(pid => /^\d+$/.test(pid))
    .find(pid => {
      try {
        return fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1') === 'sleep\x001000\x00';
      } catch {
        return false;
      }
    });
  if (orphan !== undefined) process.kill(Number(orphan));
});

it('what says too much is ended', async () => {
  const ran = await runCaptured('sh', ['-c', 'exec cat /dev/zero'], { env, maxOutput: 1_000_000 });
  expect(ran.exceeded).toBe('output');
  expect(ran.stdout.length).toBeLessThanOrEqual(1_000_000);
});

it('of endless complaints the end is kept', async () => {
  const script = 'head -c 5000000 /dev/zero >&2; echo last >&2';
  const ran = await runCaptured('sh', ['-c', script], { env });
  expect(ran.stderr.length).toBeLessThanOrEqual(256 * 1024);
  expect(ran.stderr).toMatch(/last\n$/);
});

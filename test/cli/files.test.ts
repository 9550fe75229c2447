import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ended, makeSandbox } from '../support/sandbox.ts';

it.each([
  [['--catalog', '/dev/zero', 'ps'], 9],
  [['--catalog', 'fifo', 'ps'], 9],
  [['--catalog', 'fifo', 'rm', 'x'], 9],
  [['--catalog', '.', 'ps'], 9],
  [['--config', '/dev/zero', 'ps'], 2],
  [['--config', 'fifo', 'config'], 2],
  [['--config', '.', 'ps'], 2],
  [['run', 'x', '--env-file', 'fifo'], 2],
  [['run', 'x', '--env-file', '/dev/zero'], 2],
])('hjk %j says that it is not a regular file', async (args, code) => {
  await using box = makeSandbox();
  execFileSync('mkfifo', [path.join(box.repository, 'fifo')]);
  const ran = await box.hjk(...args);
  expect(ran).toMatchObject({ code, stdout: '' });
  expect(ran.stderr).toMatch(/^Error: .*is not a regular file/);
});

it('a working directory whose .git never ends is no repository', async () => {
  await using box = makeSandbox();
  const folder = path.join(box.folder, 'x');
  fs.mkdirSync(folder);
  execFileSync('mkfifo', [path.join(folder, '.git')]);
  const ran = await ended(box.spawn(['ps'], { cwd: folder }));
  expect(ran).toMatchObject({ code: 2 });
});

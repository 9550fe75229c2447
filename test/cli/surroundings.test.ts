import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { createWorktreeKeeper } from '../../src/git/keeper.ts';
import { cli, ended, makeSandbox, runProgram, until, type Ran } from '../support/sandbox.ts';

/** One line of what is wrong, one of what to do; never where in our code. */
const expectOneError = (ran: Ran, code: number, message: RegExp): void => {
  const lines = ran.stderr.split('\n').filter(line => line !== '' && !line.startsWith('sh: '));
  expect(lines).toEqual([expect.stringMatching(message), expect.stringMatching(/^hint: /)]);
  expect(ran.code).toBe(code);
};

it('a working directory that is gone is an error of one line', async () => {
  await using box = makeSandbox();
  const script = `mkdir gone && cd gone && rmdir ../gone && exec ${cli} ps --all`;
  const ran = await runProgram('sh', ['-c', script], { cwd: box.folder, env: box.env });
  expectOneError(ran, 2, /^Error: the current directory is gone/);
});

it.each([20, 24])('with %d files open at most it is said, or it works', async limit => {
  await using box = makeSandbox();
  for (const words of ['run x', 'ps', 'rm x --yes', 'doctor']) {
    const script = `ulimit -n ${limit}; exec ${cli} ${words}`;
    const ran = await runProgram('sh', ['-c', script], { cwd: box.repository, env: box.env });
    expect(ran.stderr + ran.stdout).not.toMatch(/\n\s+at |TypeError|Cannot read prop|undefined/);
  }
});

it('a TMPDIR that cannot be used stops a look, with what to do', async () => {
  await using box = makeSandbox();
  const temp = process.env['TMPDIR'];
  box.git('worktree', 'add', '-q', '-b', 'b', path.join(box.folder, 'b'));
  const subject = {
    instanceId: 'aaaaaaaa',
    commonDir: path.join(box.repository, '.git'),
    worktree: path.join(box.folder, 'b'),
    branch: 'b',
    deleteBranch: false,
    includeIgnored: false,
  };
  process.env['TMPDIR'] = '/nonexistent';
  try {
    await expect(createWorktreeKeeper(box.env).look(subject)).rejects.toMatchObject({
      code: 'file_failed',
      message: expect.stringContaining('no temporary folder can be made in /nonexistent') as string,
    });
  } finally {
    if (temp === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = temp;
  }
});

it('relative entries of PATH give hjk no program', async () => {
  await using box = makeSandbox();
  const trace = path.join(box.folder, 'trace');
  for (const name of ['git', 'tmux', 'docker', 'stty', 'ps'])
    fs.writeFileSync(path.join(box.repository, name), `#!/bin/sh\necho ${name} >>${trace}\n`, {
      mode: 0o755,
    });
  for (const PATH of [`.:${box.env['PATH']}`, `:${box.env['PATH']}`, `./:../project:${box.env['PATH']}`])
    for (const words of [
      ['run', 'no such', '--image', 'x'],
      ['rm', 'x', '--yes'],
      ['prune'],
      ['run', 'x', '--image', 'no/such:image', '--pull', 'never'],
    ])
      await ended(box.spawn(words, { env: { ...box.env, PATH } }));
  expect(fs.existsSync(trace)).toBe(false);
});

it('TERM ends hjk while a git waits', async () => {
  await using box = makeSandbox();
  const programs = path.join(box.folder, 'programs');
  const started = path.join(box.folder, 'started');
  fs.mkdirSync(programs);
  execFileSync('mkfifo', [path.join(box.folder, 'fifo')]);
  fs.writeFileSync(
    path.join(programs, 'git'),
    `#!/bin/sh\necho $$ >${started}\nexec cat ${box.folder}/fifo\n`,
    { mode: 0o755 },
  );
  const child = box.spawn(['run', 'x'], { env: { ...box.env, PATH: `${programs}:${box.env['PATH']}` } });
  const end = ended(child);
  await until('git runs', () => fs.existsSync(started));
  child.kill('SIGTERM');
  await end;
  expect(child.exitCode).toBe(143);
  process.kill(Number(fs.readFileSync(started, 'utf8')));
});

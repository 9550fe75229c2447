import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  docker,
  ended,
  git,
  makeRepository,
  makeSandbox,
  ownerOf,
  until,
  type Sandbox,
} from '../../support/sandbox.ts';

const tree = (box: Sandbox): string => box.catalog().entries[0]!.worktree;

it('the whole life of an instance runs nothing that the repository or its files name', async () => {
  await using box = makeSandbox();
  const trapped = path.join(box.folder, 'trapped');
  const script = path.join(box.folder, 'trap.sh');
  fs.writeFileSync(script, `#!/bin/sh\necho "$0 $@" >>${trapped}\ncat\n`, { mode: 0o755 });
  const library = path.join(box.folder, 'library');
  makeRepository(library);
  box.git('-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', library, 'sub');
  fs.writeFileSync(path.join(box.repository, '.gitattributes'), '* filter=evil diff=evil merge=evil\n');
  fs.appendFileSync(path.join(box.repository, '.gitmodules'), `\tupdate = !${script}\n`);
  box.git('add', '.');
  box.git('commit', '-qm', 'Traps');
  const settings: Record<string, string> = {
    'core.fsmonitor': script,
    'core.sshCommand': script,
    'core.pager': script,
    'core.editor': script,
    'core.askPass': script,
    'core.gitProxy': script,
    'core.alternateRefsCommand': script,
    'filter.evil.clean': script,
    'filter.evil.smudge': script,
    'filter.evil.process': script,
    'diff.evil.textconv': script,
    'diff.evil.command': script,
    'diff.external': script,
    'merge.evil.driver': `${script} %A`,
    'gpg.program': script,
    'commit.gpgSign': 'true',
    'credential.helper': script,
    'submodule.sub.update': `!${script}`,
    'submodule.recurse': 'true',
    'alias.status': `!${script}`,
    'uploadpack.packObjectsHook': script,
    'sequence.editor': script,
    'trailer.x.command': script,
  };
  for (const [key, value] of Object.entries(settings)) box.git('config', key, value);
  const hooks = [
    'post-checkout',
    'post-index-change',
    'reference-transaction',
    'pre-auto-gc',
    'post-commit',
    'pre-commit',
    'fsmonitor-watchman',
  ];
  for (const hook of hooks) fs.copyFileSync(script, path.join(box.repository, '.git/hooks', hook));
  const nest = (): void => {
    const nested = path.join(tree(box), 'nested');
    makeRepository(nested);
    for (const key of ['core.fsmonitor', 'filter.evil.clean', 'core.alternateRefsCommand'])
      git(nested, 'config', key, script);
    fs.writeFileSync(path.join(nested, '.gitattributes'), '* filter=evil\n');
    fs.writeFileSync(path.join(nested, 'work'), 'x');
    fs.copyFileSync(script, path.join(nested, '.git/hooks/reference-transaction'));
    fs.writeFileSync(path.join(tree(box), 'work'), 'mine');
    fs.appendFileSync(path.join(tree(box), 'README.md'), 'changed');
  };
  const steps: string[][] = [
    ['run', 'x'],
    ['rm', 'x', '--force'],
    ['restore', 'x'],
    ['run', 'x'],
    ['recreate', 'x', '--yes'],
    ['rename', 'x', 'y'],
    ['doctor', '--fix'],
    ['ps'],
    ['prune', '--min-age', '0'],
    ['stop', 'y'],
    ['rm', 'y', '--force', '-D'],
  ];
  for (const [i, step] of steps.entries()) {
    fs.rmSync(trapped, { force: true });
    const ran = await box.hjk(...step);
    expect({ step, stderr: ran.stderr, code: ran.code }).toMatchObject({ code: 0 });
    expect(fs.existsSync(trapped) ? fs.readFileSync(trapped, 'utf8') : '', step.join(' ')).toBe('');
    if (i === 0) nest();
  }
});

describe('names lead nowhere', () => {
  it.each([
    ['run', '../../../etc'],
    ['run', 'a/../../b'],
    ['run', '/etc/passwd'],
    ['run', '-x'],
    ['exec', '../x', '-d', 'ls'],
    ['restore', '../../etc'],
    ['restore', 'x', '--as', '../y'],
    ['rename', 'x', '../y'],
    ['kill', 'x/../../y'],
    ['logs', 'x', '../../../../etc/passwd'],
    ['logs', 'x', '/etc/passwd'],
    ['doctor', '--fix', '--remove', '../..'],
  ])('hjk %s %s %s %s', async (...args) => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const before = execFileSync('find', [box.folder, '-not', '-path', '*/home/*'], { encoding: 'utf8' });
    const ran = await box.hjk(...args);
    expect([2, 3]).toContain(ran.code);
    expect(ran.stdout).toBe('');
    expect(execFileSync('find', [box.folder, '-not', '-path', '*/home/*'], { encoding: 'utf8' })).toBe(
      before,
    );
  });
  it('a session name and a profile', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    for (const name of ['../x', 'a/b', '.hidden', '-x', 'x\n', '\u001b[31m'])
      expect(await box.hjk('exec', 'x', '-d', `--name=${name}`, 'ls')).toMatchObject({ code: 2 });
    for (const profile of ['../x', 'a/b', '..']) {
      const ran = await ended(box.spawn(['ps'], { env: { ...box.env, HEADJACK_PROFILE: profile } }));
      expect(ran.code).toBe(2);
    }
    expect((await box.hjk('config', '../../x', 'y')).code).toBe(2);
  });
});

describe('links that others planted', () => {
  it('in the place of a log are not written through, and what they name is not read', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const { id } = box.catalog().entries[0]!;
    const target = path.join(box.folder, 'target');
    fs.mkdirSync(target);
    fs.mkdirSync(path.join(box.stateRoot, 'logs'), { recursive: true, mode: 0o700 });
    fs.symlinkSync(target, path.join(box.stateRoot, 'logs', id));
    expect(await box.hjk('exec', 'x', '-d', '-n', 's', 'sh', '-c', 'echo secret')).toMatchObject({ code: 5 });
    expect(fs.readdirSync(target)).toEqual([]);
    fs.rmSync(path.join(box.stateRoot, 'logs', id));
    await box.ok('exec', 'x', '-d', '-n', 's', 'sh', '-c', 'echo fine');
    fs.rmSync(path.join(box.stateRoot, 'logs', id), { recursive: true });
    fs.symlinkSync(target, path.join(box.stateRoot, 'logs', id));
    await box.hjk('rm', 'x', '--force');
    expect(fs.existsSync(target)).toBe(true);
  });
  it('in the place of the worktree are never deleted through', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const target = path.join(box.folder, 'target');
    fs.mkdirSync(target);
    fs.writeFileSync(path.join(target, 'file'), 'x');
    const place = tree(box);
    fs.rmSync(place, { recursive: true });
    fs.symlinkSync(target, place);
    for (const args of [
      ['rm', 'x', '--force'],
      ['doctor', '--fix'],
      ['run', 'x'],
    ])
      await box.hjk(...args);
    expect(fs.readFileSync(path.join(target, 'file'), 'utf8')).toBe('x');
  });
  it('in /tmp, in the place of the sockets, are refused', async () => {
    await using box = makeSandbox();
    const state = path.join(box.folder, `long-${'x'.repeat(90)}`);
    const env = { ...box.env, HEADJACK_STATE_DIR: state };
    expect((await ended(box.spawn(['run', 'x'], { env }))).code).toBe(0);
    const folder = path.join('/tmp', `hjk-${os.userInfo().uid}-${ownerOf(path.join(state, 'catalog.json'))}`);
    const target = path.join(box.folder, 'target');
    fs.mkdirSync(target);
    fs.rmSync(folder, { recursive: true, force: true });
    try {
      fs.symlinkSync(target, folder);
      const linked = await ended(box.spawn(['exec', 'x', '-d', 'sleep', '5'], { env }));
      expect(linked).toMatchObject({ code: 8 });
      expect(linked.stderr).toContain(`${folder} is a link`);
      expect(fs.readdirSync(target)).toEqual([]);
      fs.unlinkSync(folder);
      if (process.getuid?.() === 0) {
        fs.mkdirSync(folder, { mode: 0o777 });
        fs.chownSync(folder, 4321, 4321);
        const foreign = await ended(box.spawn(['exec', 'x', '-d', 'sleep', '5'], { env }));
        expect(foreign).toMatchObject({ code: 8 });
        expect(foreign.stderr).toContain('belongs to somebody else');
      }
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
      expect((await ended(box.spawn(['rm', 'x', '--force'], { env }))).code).toBe(0);
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
});

it('what an agent names cannot change the screen', async () => {
  await using box = makeSandbox();
  await box.ok('run', 'x\u202etxt');
  const branch = 'x\u202etxt';
  const nasty = 'a\u001b]0;owned\u0007\u001b[2Jb';
  fs.writeFileSync(path.join(tree(box), nasty), 'x');
  const refused = await box.hjk('rm', branch, '--yes');
  expect(refused.code).toBe(5);
  await box.ok('exec', branch, '-d', '-n', 's', 'printf', 'red \\033[31m \\033]0;title\\007 end\\n');
  await until('it ended', async () => (await box.ok('logs', branch, 's')).includes('end'));
  const outputs = [
    refused.stderr,
    await box.ok('ps'),
    await box.ok('logs', branch, 's'),
    await box.ok('rm', branch, '--force'),
    await box.ok('restore', '--list'),
    (await box.hjk('doctor')).stdout,
  ];
  for (const text of outputs)
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f\u202e]/);
});

it('under umask 000 nothing of the state is open to others', async () => {
  await using box = makeSandbox();
  const run = (line: string): string =>
    execFileSync('sh', ['-c', `umask 000; ${line}`], {
      cwd: box.repository,
      env: { ...box.env, PATH: `${path.dirname(process.execPath)}:${box.env['PATH'] ?? ''}` },
      encoding: 'utf8',
    });
  const hjk = path.resolve('dist/cli/hjk.cjs');
  run(
    `${hjk} run x -e SECRET=value; ${hjk} exec x -d -n s sleep 100; ${hjk} exec x --no-mux true; ${hjk} config default.agent claude`,
  );
  fs.writeFileSync(path.join(tree(box), 'work'), 'x');
  run(`${hjk} run y; ${hjk} recreate y --yes; ${hjk} rm x --force; ${hjk} restore x`);
  const open = execFileSync(
    'find',
    [box.home, '-perm', '/077', '-not', '-path', '*/headjack/git/*/*', '-not', '-type', 'l'],
    { encoding: 'utf8' },
  )
    .split('\n')
    .filter(line => line.startsWith(box.stateRoot) || line.includes('.config/headjack'))
    // what git inside makes has its umask; its folder is closed
    .filter(line => !/\/instances\/[^/]+\/git\//.test(line));
  expect(open).toEqual([]);
});

it('a program cannot fill the disk through the log of the container', async () => {
  await using box = makeSandbox();
  await box.ok('run', 'x');
  const { container_id } = box.catalog().entries[0]!;
  await box.hjk('exec', 'x', '--no-mux', 'sh', '-c', 'head -c 3000000 /dev/zero | tr "\\0" x >/proc/1/fd/1');
  const [made] = JSON.parse(docker('inspect', container_id)) as [
    { LogPath: string; HostConfig: { LogConfig: { Type: string } } },
  ];
  expect(made.HostConfig.LogConfig.Type).toBe('none');
  expect(made.LogPath === '' || !fs.existsSync(made.LogPath)).toBe(true);
});

it('a secret is in no argument, environment of another process, error, JSON, log or inspection', async () => {
  await using box = makeSandbox({ env: { MY_TOKEN: 'tok-4f2a9' } });
  await box.ok('run', 'x', '-e', 'MY_TOKEN');
  await box.ok('exec', 'x', '-d', '-n', 's', 'sleep', '1000');
  const seen: string[] = [
    docker('inspect', box.catalog().entries[0]!.container_id),
    await box.ok('ps', '--json'),
    await box.ok('run', 'x', '--json'),
    (await box.hjk('doctor', '--json')).stdout,
    (await box.hjk('recreate', 'x', '--yes', '--image', 'no/such', '--json', '-v')).stderr,
    fs.readFileSync(path.join(box.stateRoot, 'catalog.json'), 'utf8'),
    fs.readFileSync(path.join(box.stateRoot, 'instances', box.catalog().entries[0]!.id, 'spec.json'), 'utf8'),
    ...fs
      .readdirSync(path.join(box.stateRoot, 'logs'), { recursive: true, encoding: 'utf8' })
      .map(name => path.join(box.stateRoot, 'logs', name))
      .filter(file => fs.statSync(file).isFile())
      .map(file => fs.readFileSync(file, 'utf8')),
  ];
  const hostPids = fs.readdirSync('/proc').filter(pid => /^\d+$/.test(pid));
  for (const pid of hostPids) {
    try {
      seen.push(fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
      const environ = fs.readFileSync(`/proc/${pid}/environ`, 'latin1');
      // the session's own program has it: that is what it was given for
      if (!environ.includes('HEADJACK_SESSION_ID=')) seen.push(environ);
    } catch {
      // gone
    }
  }
  for (const text of seen) expect(text).not.toContain('tok-4f2a9');
  expect(await box.ok('exec', 'x', '--no-mux', 'sh', '-c', 'echo $MY_TOKEN')).toBe('tok-4f2a9\n');
});

import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, docker, ended, makeSandbox, runProgram, until, type Sandbox } from '../../support/sandbox.ts';

const processesIn = (box: Sandbox): string =>
  docker(
    'exec',
    box.catalog().entries[0]!.container_id,
    'sh',
    '-c',
    'for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline; echo; done 2>/dev/null',
  );

describe('exec --no-mux', () => {
  it('keeps streams apart, forwards stdin to its end, and gives the exit code', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'b');
    const plain = (args: string[], input = ''): ReturnType<typeof box.hjk> =>
      runProgram(cli, ['exec', 'b', '--no-mux', ...args], { cwd: box.repository, env: box.env, input });
    expect(await plain(['sh', '-c', 'echo out; echo err >&2; exit 7'])).toEqual({
      code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(await plain(['cat'], 'a\nb')).toEqual({ code: 0, stdout: 'a\nb', stderr: '' });
    const big = 'x'.repeat(5_000_000);
    expect((await plain(['sh', '-c', 'cat; sleep 0.2; echo after'], big)).stdout).toBe(`${big}after\n`);
    expect(await plain(['no-such-program'])).toMatchObject({ code: 127 });
    expect(await plain(['/etc'])).toMatchObject({ code: 126 });
    expect(await plain(['--', 'printf', '%s|', 'a b', '', '$HOME', '*', '-d'])).toEqual({
      code: 0,
      stdout: 'a b||$HOME|*|-d|',
      stderr: '',
    });
    expect(await plain(['sh', '-c', '[ -t 0 ] || [ -t 1 ] || echo no terminal'])).toMatchObject({
      stdout: 'no terminal\n',
    });
    expect(
      await runProgram(cli, ['exec', 'nope', '--no-mux', 'true'], { cwd: box.repository, env: box.env }),
    ).toMatchObject({ code: 125 });
    expect(
      await runProgram(cli, ['exec', 'b', '--no-mux', '--bad', 'true'], {
        cwd: box.repository,
        env: box.env,
      }),
    ).toMatchObject({ stderr: expect.stringContaining("unknown option '--bad'") as string });
    await box.ok('stop', 'b');
    expect(await plain(['echo', 'started'])).toEqual({ code: 0, stdout: 'started\n', stderr: '' });
  });
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 143],
  ] as const)('%s ends the program inside', async (signal, code) => {
    await using box = makeSandbox();
    await box.ok('run', 'b');
    const child = box.spawn(['exec', 'b', '--no-mux', 'sh', '-c', 'sleep 4711 & sleep 4711; :']);
    const over = ended(child);
    await until('the program runs', () => processesIn(box).includes('sleep 4711'));
    child.kill(signal);
    expect((await over).code).toBe(code);
    await until('nothing of it is left', () => !processesIn(box).includes('sleep 4711'));
  });
});

describe('kill', () => {
  it('ends what ignores TERM, double-forks and calls setsid, and nothing else', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'b');
    await box.ok('exec', 'b', '-d', '-n', 'bystander', 'sleep', '1111');
    await box.ok(
      'exec',
      'b',
      '-d',
      '-n',
      'stubborn',
      'sh',
      '-c',
      'trap "" TERM HUP INT; (setsid sh -c "trap \\"\\" TERM HUP; while :; do sleep 2222; done" &) ; while :; do sleep 3333; done',
    );
    await until('all run', () => /2222[\s\S]*/.test(processesIn(box)) && processesIn(box).includes('3333'));
    expect(await box.ok('kill', 'b/stubborn')).toBe('Killed session stubborn in instance b\n');
    const left = processesIn(box);
    expect(left).not.toMatch(/2222|3333/);
    expect(left).toContain('1111');
    expect((await box.ok('ps', 'b')).split('\n').slice(1).join()).toMatch(/^bystander +shell +detached/);
    expect(await box.ok('logs', 'b', 'stubborn')).toBe('');
    expect(await box.hjk('kill', 'b/stubborn')).toMatchObject({ code: 3 });
  });
  it.each(['kill', 'stop'] as const)('a program that saves at TERM has saved after %s', async verb => {
    await using box = makeSandbox();
    await box.ok('run', 'b');
    await box.ok(
      'exec',
      'b',
      '-d',
      '-n',
      'saver',
      'sh',
      '-c',
      'trap "sleep 1; echo saved > saved; exit 0" TERM; echo ready; while :; do sleep 0.05; done',
    );
    await until('ready', async () => (await box.ok('logs', 'b', 'saver')).includes('ready'));
    await box.ok(...(verb === 'kill' ? ['kill', 'b/saver'] : ['stop', 'b']));
    expect(fs.readFileSync(path.join(box.catalog().entries[0]!.worktree, 'saved'), 'utf8')).toBe('saved\n');
    if (verb === 'stop') expect(await box.ok('ps', 'b')).toMatch(/saver +shell +ended/);
  });
  it('a session whose pump was killed is lost: its name stays taken until kill ends the program', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'b');
    await box.ok('exec', 'b', '-d', '-n', 's', 'sleep', '5555');
    const { id } = box.catalog().entries[0]!;
    const record = path.join(
      box.stateRoot,
      'instances',
      id,
      `${box.catalog().entries[0]!.sessions[0]!.id}.json`,
    );
    const { pump } = JSON.parse(fs.readFileSync(record, 'utf8')) as { pump: { pid: number } };
    process.kill(pump.pid, 'SIGKILL');
    await until('lost', async () => /s +shell +lost/.test(await box.ok('ps', 'b')));
    expect(await box.hjk('exec', 'b', '-d', '-n', 's', 'true')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('hjk kill b/s') as string,
    });
    expect(processesIn(box)).toContain('5555');
    await box.ok('kill', 'b/s');
    expect(processesIn(box)).not.toContain('5555');
    await box.ok('exec', 'b', '-d', '-n', 's', 'true');
  });
});

describe('sessions', () => {
  it('a name whose session has ended is free, a program that is not found is a session that exited 127', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'b');
    await box.ok('exec', 'b', '-d', '-n', 's', 'no-such-program');
    await until('ended', async () => /s +shell +exited \(127\)/.test(await box.ok('ps', 'b')));
    expect(await box.ok('logs', 'b', 's')).toContain('not found');
    await box.ok('exec', 'b', '-d', '-n', 's', 'echo', 'second');
    await until('second', async () => (await box.ok('logs', 'b', 's')) === 'second\n');
    expect(box.catalog().entries[0]!.sessions).toHaveLength(1);
  });
  it('a generated name has two words; the exit code comes into the catalog', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'b');
    const said = await box.ok('exec', 'b', '-d', 'sh', '-c', 'exit 9');
    expect(said).toMatch(/^Created session [a-z]+-[a-z]+ in [0-9a-f]{8} \(detached\)\n$/);
    await until('exit code', () => box.catalog().entries[0]!.sessions[0]!.exit_code === 9);
    expect(JSON.parse(await box.ok('ps', '--json'))).toMatchObject({
      schema: 1,
      instances: [
        {
          branch: 'b',
          status: 'running',
          sessions: [{ state: 'exited', exit_code: 9, ended_at: expect.stringMatching(/Z$/) as string }],
        },
      ],
    });
  });
  it('logs: -n, --full, --raw, -f through an end by kill', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'b');
    await box.ok(
      'exec',
      'b',
      '-d',
      '-n',
      's',
      'sh',
      '-c',
      'for i in $(seq 1 300); do echo line $i; done; printf "\\033[31mred\\033[0m\\r\\n10%%\\r90%%\\n"; exec sleep 100',
    );
    await until('all written', async () => (await box.ok('logs', 'b', 's', '-n', '1')).includes('90%'));
    expect((await box.ok('logs', 'b', 's')).split('\n')).toHaveLength(101);
    expect(await box.ok('logs', 'b', 's', '-n', '2')).toBe('red\n90%\n');
    expect((await box.ok('logs', 'b', 's', '--full', '-n', '1')).split('\n')).toHaveLength(303);
    expect(await box.ok('logs', 'b', 's', '-n', '2', '--raw')).toBe(
      '\u001b[31mred\u001b[0m\r\r\n10%\r90%\r\n',
    );
    const follower = box.spawn(['logs', 'b', 's', '-n', '1', '-f']);
    const over = ended(follower);
    await new Promise(resolve => setTimeout(resolve, 300));
    await box.ok('kill', 'b/s');
    expect(await over).toEqual({ code: 0, stdout: '90%\n', stderr: '' });
    expect(await box.ok('logs', 'b', 's', '-n', '1')).toBe('90%\n'); // by name, after the kill
  });
  it('the first and last line of many short sessions are in their logs with the machine under load; the first size is right', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'b');
    const burners = [1, 2].map(() => box.spawn(['exec', 'b', '--no-mux', 'sh', '-c', 'while :; do :; done']));
    const rounds = Number(process.env['HJK_SHORT_SESSIONS'] ?? 200);
    const bad: string[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < rounds) {
        const name = `s${next++}`;
        await box.ok('exec', 'b', '-d', '-n', name, 'sh', '-c', 'echo FIRST; stty size; echo LAST');
        const { stdout } = await box.hjk('logs', 'b', name, '-f');
        if (stdout !== 'FIRST\n40 120\nLAST\n') bad.push(`${name}: ${JSON.stringify(stdout)}`);
      }
    };
    await Promise.all(Array.from({ length: 6 }, work));
    for (const burner of burners) burner.kill('SIGTERM');
    await Promise.all(burners.map(b => ended(b)));
    expect(bad).toEqual([]);
  }, 600_000);
  it('no secret of a session is on a command line or in a file that others can read', async () => {
    await using box = makeSandbox();
    fs.mkdirSync(path.join(box.home, '.config/headjack'), { recursive: true });
    fs.writeFileSync(
      path.join(box.home, '.config/headjack/config.yaml'),
      'agents:\n  printer:\n    env:\n      MY_SECRET: sh-sh-secret\n',
      { mode: 0o600 },
    );
    await box.ok('run', 'b', '-e', 'OTHER=other-secret');
    fs.writeFileSync(
      path.join(box.folder, 'printer'),
      '#!/bin/sh\necho "got $MY_SECRET $OTHER"\necho "$1" "$2"\nsleep 30\n',
    );
    docker('exec', '-u', '0', box.catalog().entries[0]!.container_id, 'mkdir', '-p', '/usr/local/bin');
    docker(
      'cp',
      path.join(box.folder, 'printer'),
      `${box.catalog().entries[0]!.container_id}:/usr/local/bin/printer`,
    );
    docker(
      'exec',
      '-u',
      '0',
      box.catalog().entries[0]!.container_id,
      'chmod',
      '755',
      '/usr/local/bin/printer',
    );
    await box.ok(
      'agent',
      'b',
      'printer',
      '-d',
      '-n',
      'p',
      '-p',
      'a "prompt" $(with) `shell` words',
      '--',
      '--flag',
    );
    await until('printed', async () => (await box.ok('logs', 'b', 'p')).includes('--flag'));
    expect(await box.ok('logs', 'b', 'p')).toBe(
      'got sh-sh-secret other-secret\na "prompt" $(with) `shell` words --flag\n',
    );
    expect(await box.ok('ps', 'b')).toMatch(/p +printer/);
    const host = fs
      .readdirSync('/proc')
      .filter(p => /^\d+$/.test(p))
      .map(p => {
        try {
          return fs.readFileSync(`/proc/${p}/cmdline`, 'utf8');
        } catch {
          return '';
        }
      })
      .join('\n');
    expect(host).not.toContain('sh-sh-secret');
    expect(host).not.toContain('other-secret');
    for (const kind of [['inspect', box.catalog().entries[0]!.container_id]])
      expect(docker(...kind)).not.toMatch(/sh-sh-secret|other-secret/);
    // what git inside makes has its umask; its folder is closed
    const open = fs
      .readdirSync(box.stateRoot, { recursive: true, withFileTypes: true })
      .filter(f => f.isFile())
      .map(f => path.join(f.parentPath, f.name))
      .filter(f => !f.startsWith(`${box.stateRoot}/git/`) && !/\/instances\/[^/]+\/git\//.test(f))
      .filter(f => (fs.statSync(f).mode & 0o077) !== 0);
    expect(open).toEqual([]);
    await box.ok('kill', 'b/p');
  });
});

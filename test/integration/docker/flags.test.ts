import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  cli,
  docker,
  makeSandbox,
  onPodman,
  runProgram,
  testImage,
  type Sandbox,
} from '../../support/sandbox.ts';

interface Inspected {
  HostConfig: Record<string, unknown>;
  Config: { Labels: Record<string, string>; User: string; Hostname: string };
}

const inspect = (box: Sandbox): Inspected =>
  (JSON.parse(docker('inspect', box.catalog().entries[0]!.container_id)) as [Inspected])[0];
const inside = (box: Sandbox, script: string): Promise<string> =>
  box.ok('exec', 'b', '--no-mux', 'sh', '-c', script);
const weakened = async (box: Sandbox): Promise<unknown> =>
  (JSON.parse(await box.ok('ps', '--json')) as { instances: { weakened: unknown }[] }).instances[0]!.weakened;

describe('flags of the container runtime', () => {
  it('take effect as docker run has them', async () => {
    await using box = makeSandbox();
    fs.mkdirSync(path.join(box.repository, 'data'));
    fs.writeFileSync(path.join(box.repository, 'data/file'), 'from outside');
    const flags = [
      ...['--shm-size', '32m', '--add-host', 'db:10.0.0.5', '--tmpfs', '/cache:size=8m,mode=1777'],
      ...['-h', 'agent-box', '-l', 'team=web', '--cap-drop', 'NET_RAW', '--ulimit', 'nofile=256:256'],
      // a podman that may not raise limits cannot set its own default beside another one
      ...['--ulimit', 'nproc=1024:1024'],
      ...['-e', 'GIVEN=secret-value', '--mount', 'type=bind,source=./data,target=/data,readonly'],
      ...['--mount=type=tmpfs,target=/scratch,tmpfs-size=4m', '--dns=10.9.8.7'],
    ];
    expect(await box.hjk('run', 'b', '--', ...flags)).toMatchObject({ code: 0, stderr: '' });
    const { HostConfig, Config } = inspect(box);
    expect(HostConfig['ShmSize']).toBe(32 * 1024 ** 2);
    expect(Config.Labels['team']).toBe('web');
    expect(JSON.stringify({ HostConfig, Config })).not.toContain('secret-value');
    // podman of an ordinary user sets limits for the first process only
    const onRootless = onPodman && process.getuid!() !== 0;
    const sessionsOwn = onRootless ? (await inside(box, 'ulimit -n')).trim() : '';
    expect(
      await inside(
        box,
        'hostname; grep -c "10.0.0.5.*db" /etc/hosts; ulimit -n; cat /data/file; touch /data/x 2>/dev/null || echo " ro"; echo $GIVEN; touch /cache/x /scratch/x && grep -c "10.9.8.7" /etc/resolv.conf',
      ),
    ).toBe(`agent-box\n1\n${onRootless ? sessionsOwn : '256'}\nfrom outside ro\nsecret-value\n1\n`);
    expect(await weakened(box)).toEqual([`mount ${box.repository}/data: programs inside can read it`]);
    // what it was made of is kept: by run, which refuses others, and by recreate
    expect(await box.hjk('run', 'b')).toMatchObject({ code: 0 });
    const other = await box.hjk('run', 'b', '--', '-h', 'other');
    expect(other).toMatchObject({ code: 4 });
    expect(other.stderr).toContain('container flags: made with');
    await box.ok('recreate', 'b', '--yes');
    expect(await inside(box, 'hostname; echo $GIVEN')).toBe('agent-box\nsecret-value\n');
    await box.ok('recreate', 'b', '--yes', '--', '-h', 'third');
    expect(await inside(box, 'hostname; ls /data 2>/dev/null || echo none')).toBe('third\nnone\n');
  });
  it('come from the configuration first, in each of its forms, and only for what is made', async () => {
    await using box = makeSandbox();
    const file = path.join(box.home, '.config/headjack/config.yaml');
    fs.mkdirSync(path.dirname(file), { recursive: true });
    for (const [i, text] of [
      `--label from=config -e "A=x y"`,
      ['--label', 'from=config', '-e', 'A=x y'],
      { label: 'from=config', env: ['A=x y'] },
    ].entries()) {
      fs.writeFileSync(file, `runtime:\n  flags: ${JSON.stringify(text)}\n`);
      await box.ok('run', `b${i}`, '--', '-h', 'mine');
      const { Config } = (
        JSON.parse(docker('inspect', box.catalog().entries[i]!.container_id)) as [Inspected]
      )[0];
      expect(Config.Labels['from']).toBe('config');
      expect(await box.ok('exec', `b${i}`, '--no-mux', 'sh', '-c', 'hostname; echo "$A"')).toBe(
        'mine\nx y\n',
      );
    }
    fs.writeFileSync(file, 'runtime:\n  flags: {}\n');
    expect(await box.hjk('run', 'b0')).toMatchObject({ code: 0 });
    fs.writeFileSync(file, 'runtime:\n  flags: --hostname another\n');
    expect(await box.hjk('run', 'b0')).toMatchObject({ code: 0 });
    expect(await box.ok('exec', 'b0', '--no-mux', 'hostname')).toBe('mine\n');
  });
  it('what the engine refuses is refused with its reason, and leaves nothing', async () => {
    await using box = makeSandbox();
    for (const [flag, reason] of [
      ['--device=/dev/no-such-device', '/dev/no-such-device'],
      [
        '--mount=type=bind,source=/no/such/folder,target=/x',
        'bind source path does not exist: /no/such/folder',
      ],
      ['--network=no-such-network', 'no-such-network'],
      ['--cap-add=NO_SUCH_CAPABILITY', 'NO_SUCH_CAPABILITY'],
    ] as const) {
      const ran = await box.hjk('run', 'b', '--', flag);
      expect([2, 8]).toContain(ran.code);
      expect(ran.stderr).toContain(reason);
    }
    expect(fs.existsSync(path.join(box.stateRoot, 'catalog.json')) ? box.catalog().entries : []).toEqual([]);
    expect(box.git('branch', '--list', 'b')).toBe('');
    expect(fs.existsSync('/no')).toBe(false);
  });
  it("the instance's own mounts can be neither removed nor overlaid", async () => {
    await using box = makeSandbox();
    await box.ok('run', 'first');
    const { worktree } = box.catalog().entries[0]!;
    for (const target of [
      '/workspace/x',
      '/headjack',
      `${box.repository}/.git/objects/pack`,
      path.join(box.repository, '.git'),
      box.folder,
    ]) {
      for (const flag of [
        `--tmpfs=${target}`,
        `--mount=type=tmpfs,target=${target}`,
        `--volume=/etc:${target}`,
      ])
        expect(await box.hjk('run', 'b', '--', flag)).toMatchObject({
          code: 2,
          stderr: expect.stringContaining("is the instance's own") as string,
        });
    }
    const own = path.join(path.dirname(worktree), 'b', 'x');
    expect(await box.hjk('run', 'b', '--', `--tmpfs=${own}`)).toMatchObject({ code: 2 });
    expect(box.catalog().entries).toHaveLength(1);
  });
  it('--user and --entrypoint', async () => {
    await using box = makeSandbox();
    const { uid, gid } = { uid: process.getuid!(), gid: process.getgid!() };
    await box.ok('run', 'b', '--', '-u', `${uid}:${gid}`, '--entrypoint', '/bin/env');
    expect(await inside(box, 'id -u; id -g')).toBe(`${uid}\n${gid}\n`);
    await box.ok('rm', 'b', '--yes');
    const unknown = await box.hjk('run', 'b', '--', '-u', 'nobody-of-that-name');
    expect(unknown.code).not.toBe(0);
    expect(unknown.stderr).toContain('nobody-of-that-name');
    const dead = await box.hjk('run', 'b', '--', '--entrypoint', '/bin/true');
    expect(dead.stderr).toContain('the entrypoint /bin/true ended');
    expect(box.catalog().entries).toEqual([]);
  });
  it('what weakens the sandbox is said once on a terminal, and in ps --json always', async () => {
    await using box = makeSandbox();
    const flags = ['--cap-add', 'SYS_PTRACE', '--security-opt', 'seccomp=unconfined'];
    const quiet = await box.hjk('run', 'b', '--', ...flags);
    expect(quiet).toMatchObject({ code: 0, stderr: '' });
    expect(await weakened(box)).toEqual([
      'capability SYS_PTRACE: more than containers may by default',
      'security option seccomp=unconfined: a protection is off',
    ]);
    expect(inspect(box).HostConfig['SecurityOpt']).toEqual(
      expect.arrayContaining([expect.stringContaining('no-new-privileges'), 'seccomp=unconfined']),
    );
    const told = await box.hjk('-v', 'run', 'c', '--image', testImage, '--', ...flags);
    expect(told.stderr).toContain('Warning: capability SYS_PTRACE');
    expect((await box.hjk('-v', 'run', 'c')).stderr).not.toContain('Warning');
    if (!onPodman) expect(inspect(box).HostConfig['CapAdd']).toEqual(['SYS_PTRACE']);
  });
});

it('an instance is not made twice because runtime.name changed', async () => {
  await using box = makeSandbox();
  await box.ok('run', 'b');
  const { container_id } = box.catalog().entries[0]!;
  const [here, other] = onPodman ? ['podman', 'docker'] : ['docker', 'podman'];
  const variable = onPodman ? 'DOCKER_HOST' : 'CONTAINER_HOST';
  // an engine that answers, and has no container of ours
  const empty = http.createServer((_request, response) => response.end('[]'));
  const socket = path.join(box.folder, 'other.sock');
  empty.listen(socket);
  await once(empty, 'listening');
  const env = { ...box.env, HEADJACK_RUNTIME_NAME: other, [variable]: `unix://${socket}` };
  try {
    for (const args of [
      ['run', 'b'],
      ['stop', 'b'],
      ['rm', 'b', '--force'],
    ]) {
      const ran = await runProgram(cli, args, { cwd: box.repository, env });
      expect(ran).toMatchObject({ code: 7 });
      expect(ran.stderr).toContain(`is on ${here}; runtime.name is ${other}`);
    }
  } finally {
    empty.close();
  }
  expect(box.catalog().entries[0]).toMatchObject({ container_id });
  expect(await box.ok('exec', 'b', '--no-mux', 'echo', 'here')).toContain('here');
});

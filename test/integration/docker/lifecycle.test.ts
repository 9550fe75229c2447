import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { limitsWork, docker, ended, git, makeSandbox, until, type Sandbox } from '../../support/sandbox.ts';

const tree = (box: Sandbox): string => box.catalog().entries[0]!.worktree;
const container = (box: Sandbox): string => box.catalog().entries[0]!.container_id;
interface Shown {
  instances: { status: string; sessions: { name: string; state: string }[] }[];
}
const ps = async (box: Sandbox): Promise<Shown> => JSON.parse(await box.ok('ps', '--json')) as Shown;
const put = (box: Sandbox, name: string, text: string): void => {
  fs.writeFileSync(path.join(tree(box), name), text);
};
const get = (box: Sandbox, name: string): string => fs.readFileSync(path.join(tree(box), name), 'utf8');

describe('start', () => {
  it('starts a stopped instance, tells of one that runs, never makes one', async () => {
    await using box = makeSandbox();
    expect(await box.hjk('start', 'x')).toMatchObject({ code: 3 });
    await box.ok('run', 'x');
    expect(await box.ok('start', 'x')).toContain('is running');
    await box.ok('stop', 'x');
    expect(await box.ok('start', 'x')).toMatch(/^Started instance [0-9a-f]{8} for branch x\n$/);
    expect((await ps(box)).instances[0]).toMatchObject({ status: 'running' });
  });
});

describe('after a reboot', () => {
  /** What a reboot leaves: no process, no tmux, no shared memory, the container stopped or gone. */
  const reboot = (box: Sandbox, gone: boolean): void => {
    const [entry] = box.catalog().entries;
    for (const session of entry!.sessions) {
      const file = path.join(box.stateRoot, 'instances', entry!.id, `${session.id}.json`);
      const record = JSON.parse(fs.readFileSync(file, 'utf8')) as { pump: { pid: number; boot_id: string } };
      process.kill(record.pump.pid, 'SIGKILL');
      record.pump.boot_id = '00000000-0000-0000-0000-000000000000';
      fs.writeFileSync(file, JSON.stringify(record));
    }
    docker('kill', entry!.container_id);
    if (gone) docker('rm', entry!.container_id);
    const socket = path.join(box.stateRoot, 'run', `${entry!.id}.sock`);
    fs.rmSync(socket, { force: true });
  };
  it.each([
    ['run', false],
    ['run', true],
    ['start', false],
  ] as const)(
    '%s brings the instance back (container gone: %s) and says which sessions ended',
    async (verb, gone) => {
      await using box = makeSandbox();
      await box.ok('run', 'x');
      await box.ok('exec', 'x', '-d', '-n', 'build', 'sleep', '1000');
      put(box, 'work', 'mine');
      reboot(box, gone);
      expect((await ps(box)).instances[0]).toMatchObject({
        status: 'stopped',
        sessions: [{ state: 'ended' }],
      });
      const ran = await box.hjk(verb, 'x', '--json', '-v');
      expect(ran.code).toBe(0);
      expect(JSON.parse(ran.stdout)).toMatchObject({ ended_sessions: ['build'] });
      expect(ran.stderr).toContain('Sessions that ended with their container: build');
      expect((await ps(box)).instances[0]).toMatchObject({
        status: 'running',
        sessions: [{ state: 'ended' }],
      });
      expect(get(box, 'work')).toBe('mine');
      await box.ok('exec', 'x', '-d', '-n', 'build', 'sleep', '1000');
      expect((await ps(box)).instances[0]!.sessions).toMatchObject([{ name: 'build', state: 'detached' }]);
      expect(JSON.parse((await box.hjk('doctor', '--json')).stdout)).toMatchObject({ ok: true });
    },
  );
});

describe('recreate', () => {
  it('makes the container anew with other settings, keeps the rest and the worktree', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x', '-e', 'KEPT=one', '-e', 'CHANGED=old', '--pids', '200');
    await box.ok('exec', 'x', '-d', '-n', 's', 'sleep', '1000');
    put(box, 'work', 'mine');
    const before = container(box);
    expect(await box.hjk('recreate', 'x')).toMatchObject({ code: 5 });
    expect(container(box)).toBe(before);
    const said = await box.ok('recreate', 'x', '--yes', '--memory', '64m', '-e', 'CHANGED=new');
    expect(said).toMatch(/^Recreated instance [0-9a-f]{8} for branch x\n$/);
    expect(container(box)).not.toBe(before);
    expect(docker('ps', '-aq', '--no-trunc')).not.toContain(before);
    const made = JSON.parse(docker('inspect', container(box))) as [
      { HostConfig: { Memory: number; PidsLimit: number } },
    ];
    if (limitsWork()) expect(made[0].HostConfig).toMatchObject({ Memory: 64 * 1024 ** 2, PidsLimit: 200 });
    expect(await box.ok('exec', 'x', '--no-mux', 'sh', '-c', 'echo $KEPT $CHANGED')).toBe('one new\n');
    expect(get(box, 'work')).toBe('mine');
    expect((await ps(box)).instances[0]!.sessions).toMatchObject([{ state: 'ended' }]);
    expect(await box.hjk('run', 'x', '--memory', '64m')).toMatchObject({ code: 0 });
  });
  it('with an image that is not there changes nothing; one that cannot run leaves the old settings', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const before = container(box);
    expect(await box.hjk('recreate', 'x', '--yes', '--image', 'no/such:thing')).toMatchObject({ code: 7 });
    expect(container(box)).toBe(before);
    expect((await box.hjk('recreate', 'x', '--yes', '--network', 'no-such-network')).code).toBe(8);
    await box.ok('run', 'x');
    expect((await ps(box)).instances[0]).toMatchObject({ status: 'running' });
    expect(await box.hjk('recreate', 'nope', '--yes')).toMatchObject({ code: 3 });
  });
});

describe('rename', () => {
  it('renames branch and instance while a session runs and commits', async () => {
    await using box = makeSandbox();
    box.git('remote', 'add', 'origin', 'https://example.invalid/x.git');
    await box.ok('run', 'old/name');
    put(box, 'work', 'mine');
    const script =
      'i=0; while [ $i -lt 1000 ]; do echo $i >count; git add count; git commit -qm $i; i=$((i+1)); done';
    await box.ok('exec', 'old/name', '-d', '-n', 's', 'sh', '-c', script);
    const place = tree(box);
    await until('commits', () => git(place, 'log', '--oneline').split('\n').length > 4);
    expect(await box.ok('rename', 'old/name', 'new/name')).toBe('Renamed branch old/name to new/name\n');
    expect(box.catalog().entries).toMatchObject([{ branch: 'new/name', worktree: place, status: 'running' }]);
    expect(box.catalog().entries[0]!.operation).toBeUndefined();
    expect(git(place, 'symbolic-ref', 'HEAD').trim()).toBe('refs/heads/new/name');
    expect(box.git('branch', '--list', 'old/name')).toBe('');
    expect(box.git('config', 'branch.new/name.merge').trim()).toBe('refs/heads/old/name');
    const count = (): number => git(place, 'log', '--oneline').split('\n').length;
    const now = count();
    await until('commits go on', () => count() > now);
    expect((await ps(box)).instances[0]!.sessions).toMatchObject([{ name: 's', state: 'detached' }]);
    await box.ok('kill', 'new/name/s');
    git(place, 'fsck', '--strict');
    expect(await box.hjk('rename', 'old/name', 'x')).toMatchObject({ code: 3 });
    expect(await box.hjk('rename', 'new/name', 'main')).toMatchObject({ code: 4 });
    expect(await box.hjk('rename', 'new/name', '-x..y')).toMatchObject({ code: 2 });
    await box.ok('run', 'other');
    expect(await box.hjk('rename', 'new/name', 'other')).toMatchObject({ code: 4 });
  });
});

describe('restore', () => {
  it('brings an instance back that rm --force removed, and run makes its container', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    put(box, 'work', 'mine');
    fs.mkdirSync(path.join(tree(box), 'ignored'));
    fs.writeFileSync(path.join(tree(box), '.gitignore'), 'ignored/\n');
    put(box, 'ignored/thing', 'kept');
    await box.ok('rm', 'x', '--force', '--include-ignored', '-D');
    expect(box.git('branch', '--list', 'x')).toBe('');
    const listed = JSON.parse(await box.ok('restore', '--list', '--json')) as {
      snapshots: { id: string; branch: string }[];
    };
    expect(listed.snapshots).toMatchObject([{ branch: 'x', ignored: true }]);
    expect(await box.hjk('restore')).toMatchObject({ code: 2 });
    expect(await box.hjk('restore', 'y')).toMatchObject({ code: 3 });
    await box.ok('restore', 'x');
    expect(get(box, 'work')).toBe('mine');
    expect(get(box, 'ignored/thing')).toBe('kept');
    expect((await ps(box)).instances[0]).toMatchObject({ status: 'stopped' });
    expect(await box.hjk('restore', 'x')).toMatchObject({ code: 4 });
    // a run that fails must not take the restored work along
    const failing = await ended(box.spawn(['run', 'x', '--image', 'no/such:image']));
    expect(failing.code).toBe(7);
    expect(get(box, 'work')).toBe('mine');
    const worse = await box.hjk('run', 'x', '--network', 'no-such-network');
    expect(worse.code).toBe(8);
    expect(get(box, 'work')).toBe('mine');
    await box.ok('run', 'x');
    expect(await box.ok('exec', 'x', '--no-mux', 'cat', 'work')).toBe('mine');
    await box.ok('restore', listed.snapshots[0]!.id, '--as', 'y');
    expect(
      box
        .catalog()
        .entries.map(e => e.branch)
        .sort(),
    ).toEqual(['x', 'y']);
  });
});

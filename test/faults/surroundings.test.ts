import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ended, git, makeSandbox, until, type Sandbox } from '../support/sandbox.ts';
import { disagreements } from './agreement.ts';

// Faults of the surroundings themselves, not of single calls: real disks that are full or read-only, locks of git, a dead tmux.

/** Mounts something until the test ends, before its sandbox goes. */
function mount(place: string, ...options: string[]): Disposable & { place: string } {
  fs.mkdirSync(place, { recursive: true, mode: 0o700 });
  execFileSync('mount', [...options, place]);
  return {
    place,
    [Symbol.dispose]() {
      execFileSync('umount', ['-l', place]);
    },
  };
}
const fill = (folder: string): void => {
  const fd = fs.openSync(path.join(folder, 'ballast'), 'w');
  try {
    for (const size of [65536, 4096, 512]) for (;;) if (fs.writeSync(fd, Buffer.alloc(size)) < size) break;
  } catch {
    // full
  } finally {
    fs.closeSync(fd);
  }
};
const tree = (box: Sandbox): string => box.catalog().entries[0]!.worktree;
const inOrder = async (box: Sandbox): Promise<void> => {
  expect(await box.hjk('doctor', '--fix')).toMatchObject({ code: 0 });
  expect(disagreements(box)).toEqual([]);
};

describe('a disk that is full', () => {
  it('below the state root: commands say so, nothing changes, and go on once there is room', async () => {
    await using box = makeSandbox();
    using disk = mount(box.stateRoot, '-t', 'tmpfs', '-o', 'size=3m,mode=0700', 'tmpfs');
    await box.ok('run', 'x');
    fs.writeFileSync(path.join(tree(box), 'work'), 'mine');
    fill(disk.place);
    const before = fs.readFileSync(path.join(box.stateRoot, 'catalog.json'), 'utf8');
    for (const args of [
      ['run', 'y'],
      ['exec', 'x', '-d', 'ls'],
    ]) {
      const ran = await box.hjk(...args);
      expect({ args, ...ran }).toMatchObject({ code: 8 });
      expect(ran.stderr).toMatch(/^Error: .*(no space left|ENOSPC).*\nhint: /im);
    }
    expect(await box.hjk('ps')).toMatchObject({ code: 0 });
    expect(fs.readFileSync(path.join(box.stateRoot, 'catalog.json'), 'utf8')).toBe(before);
    fs.rmSync(path.join(box.stateRoot, 'ballast'));
    expect(fs.readFileSync(path.join(tree(box), 'work'), 'utf8')).toBe('mine');
    await box.ok('run', 'y');
    await inOrder(box);
    await box.ok('rm', 'x', '--force');
    await box.ok('rm', 'y', '--yes');
  });
  it('below the repository while work is stored: nothing is deleted', async () => {
    await using box = makeSandbox();
    const place = path.join(box.folder, 'small');
    using disk = mount(place, '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs');
    const repository = path.join(place, 'repo');
    git(box.folder, 'clone', '-q', box.repository, repository);
    const at = (...args: string[]): ReturnType<Sandbox['hjk']> => box.hjk('-C', repository, ...args);
    expect(await at('run', 'x')).toMatchObject({ code: 0 });
    const noise = Buffer.from(Array.from({ length: 300_000 }, () => Math.floor(Math.random() * 256)));
    fs.writeFileSync(path.join(tree(box), 'work'), noise);
    fill(disk.place);
    const refused = await at('rm', 'x', '--force');
    expect(refused.code).toBe(8);
    expect(refused.stderr).toMatch(/^Error: .+\nhint: .+/);
    expect(fs.readFileSync(path.join(tree(box), 'work')).equals(noise)).toBe(true);
    expect(box.catalog().entries).toMatchObject([{ branch: 'x', status: 'stopped' }]);
    fs.rmSync(path.join(place, 'ballast'));
    git(repository, 'fsck');
    expect(await at('rm', 'x', '--force')).toMatchObject({ code: 0 });
    expect(await at('restore', 'x')).toMatchObject({ code: 0 });
    expect(fs.readFileSync(path.join(tree(box), 'work')).equals(noise)).toBe(true);
    expect(await at('rm', 'x', '--force')).toMatchObject({ code: 0 });
  });
});

describe('a home that is read-only', () => {
  it('reading works, writing says why not', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    await box.ok('exec', 'x', '-d', '-n', 's', 'echo', 'hello');
    expect(await box.ok('logs', 'x', 's', '-f')).toContain('hello');
    // the pump's last word is in the catalog: from here on nobody writes
    await until('the pump is done', () => box.catalog().entries[0]!.sessions[0]?.ended_at !== undefined);
    await until('and gone', async () => (await box.hjk('doctor')).code === 0);
    {
      using disk = mount(box.home, '--bind', box.home);
      execFileSync('mount', ['-o', 'remount,ro,bind', disk.place]);
      expect(await box.ok('ps')).toContain('x');
      expect(await box.ok('logs', 'x', 's')).toContain('hello');
      expect(await box.ok('paths', 'catalog')).toContain('catalog.json');
      expect(await box.ok('exec', 'x', '--no-mux', 'echo', 'works')).toBe('works\n');
      for (const args of [
        ['run', 'y'],
        ['stop', 'x'],
        ['rm', 'x', '--yes'],
        ['exec', 'x', '-d', 'ls'],
        ['kill', 'x/s'],
      ]) {
        const ran = await box.hjk(...args);
        expect([8, 9]).toContain(ran.code);
        expect(ran.stderr).toMatch(/^Error: .*(read-only|EROFS).*\nhint: /im);
      }
      expect((await box.hjk('doctor')).stdout).not.toContain('problem');
    }
    await inOrder(box);
  });
});

describe('a lock of git that lies in the way', () => {
  it.each([
    ['refs/heads/x.lock', ['run', 'x']],
    ['config.lock', ['run', 'x']],
  ])('%s', async (name, args) => {
    await using box = makeSandbox();
    box.git('remote', 'add', 'origin', 'https://example.invalid/x.git');
    const lock = path.join(box.repository, '.git', name);
    fs.writeFileSync(lock, '');
    const ran = await box.hjk(...args);
    expect(ran.code).toBe(8);
    expect(ran.stderr).toMatch(/^Error: .*(lock|File exists).*\nhint: /i);
    fs.rmSync(lock);
    expect(await box.hjk(...args)).toMatchObject({ code: 0 });
    await inOrder(box);
  });
});

describe('a tmux server that is killed', () => {
  it('takes no program along: kill and doctor work, a new session can be opened', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    await box.ok('exec', 'x', '-d', '-n', 's', 'sleep', '1000');
    const { id } = box.catalog().entries[0]!;
    const socket = path.join(box.stateRoot, 'run', `${id}.sock`);
    const pid = Number(
      execFileSync('tmux', ['-S', socket, 'display-message', '-p', '#{pid}'], { encoding: 'utf8' }),
    );
    process.kill(pid, 'SIGKILL');
    await until('tmux is gone', () => !fs.existsSync(`/proc/${String(pid)}`));
    const shown = JSON.parse(await box.ok('ps', '--json')) as {
      instances: [{ sessions: [{ state: string }] }];
    };
    expect(shown.instances[0].sessions[0].state).toBe('detached');
    await inOrder(box);
    await box.ok('exec', 'x', '-d', '-n', 'other', 'sleep', '1000');
    await box.ok('kill', 'x/s');
    await box.ok('kill', 'x/other');
    await inOrder(box);
  });
});

it('an engine that takes requests and never answers is given up', async () => {
  await using box = makeSandbox();
  await box.ok('run', 'x');
  const { createServer } = await import('node:net');
  const silent = createServer(() => undefined);
  const place = path.join(box.folder, 'silent.sock');
  await new Promise<void>(resolve => silent.listen(place, resolve));
  try {
    const env = { ...box.env, DOCKER_HOST: `unix://${place}`, HEADJACK_RUNTIME_TIMEOUT: '1' };
    for (const args of [
      ['ps'],
      ['run', 'y'],
      ['exec', 'x', '-d', 'ls'],
      ['stop', 'x'],
      ['rm', 'x', '--yes'],
    ]) {
      const ran = await ended(box.spawn(args, { env }));
      expect(ran.code).toBe(7);
      expect(ran.stderr).toMatch(/does not answer|no container engine answers/);
    }
  } finally {
    silent.close();
  }
  await inOrder(box);
});

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { docker, git, makeSandbox, runProgram, cli, testImage, type Sandbox } from '../../support/sandbox.ts';

const tree = (box: Sandbox): string => box.catalog().entries[0]!.worktree;

describe('a mount point in the way of a removal', () => {
  it.each<[string, string]>([
    ['the worktree itself', ''],
    ['a folder in it, of the same file system', '/kept'],
  ])(
    '%s: refused before anything, with --force too, and finished once it is unmounted',
    async (_what, below) => {
      await using box = makeSandbox();
      await box.ok('run', 'x');
      const place = `${tree(box)}${below}`;
      const treasure = path.join(box.folder, 'treasure');
      if (below === '') fs.cpSync(tree(box), treasure, { recursive: true });
      fs.mkdirSync(treasure, { recursive: true });
      fs.writeFileSync(path.join(treasure, 'mine'), 'mine');
      fs.mkdirSync(place, { recursive: true });
      execFileSync('mount', ['--bind', treasure, place]);
      try {
        for (const flags of [['--yes'], ['--force'], ['--force', '-D']]) {
          const ran = await box.hjk('rm', 'x', ...flags);
          expect(ran).toMatchObject({ code: 4 });
          expect(ran.stderr).toContain('is a mount point');
          expect(ran.stderr).toContain(`umount ${place}`);
        }
        expect(box.catalog().entries).toMatchObject([{ branch: 'x', status: 'running' }]);
        expect(box.catalog().entries[0]!.operation).toBeUndefined();
        expect(fs.readFileSync(path.join(treasure, 'mine'), 'utf8')).toBe('mine');
      } finally {
        execFileSync('umount', ['-l', place]);
      }
      await box.ok('rm', 'x', '--force');
      expect(fs.readFileSync(path.join(treasure, 'mine'), 'utf8')).toBe('mine');
      expect(box.catalog().entries).toEqual([]);
    },
  );

  it('somebody else’s container: refused while it runs', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const name = `hjk-test-other-${process.pid}`;
    docker('run', '-d', '--name', name, '-v', `${tree(box)}:/w`, testImage, 'sleep', '1000');
    try {
      const ran = await box.hjk('rm', 'x', '--yes');
      expect(ran).toMatchObject({ code: 4 });
      expect(ran.stderr).toContain(name);
      expect(fs.existsSync(path.join(tree(box), 'README.md'))).toBe(true);
    } finally {
      docker('rm', '-f', name);
    }
    await box.ok('rm', 'x', '--yes');
  });
});

describe('a repository that is gone', () => {
  it('its instance is removed by id from anywhere; a folder that is there is kept, and named', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const { id, worktree, container_id } = box.catalog().entries[0]!;
    fs.writeFileSync(path.join(worktree, 'work'), 'mine');
    fs.rmSync(box.repository, { recursive: true });
    const rm = (...args: string[]): ReturnType<Sandbox['hjk']> =>
      runProgram(cli, ['rm', ...args], { cwd: box.folder, env: box.env });
    for (const name of [id, 'x']) {
      const refused = await rm(name, '--yes');
      expect(refused).toMatchObject({ code: 5 });
      expect(refused.stderr).toContain(worktree);
      expect(refused.stderr).toContain(`hjk rm ${id} --force`);
    }
    const removed = await rm(id, '--force', '--json');
    expect(removed.code).toBe(0);
    expect(JSON.parse(removed.stdout)).toMatchObject({ removed: [{ id, worktree_kept: worktree }] });
    expect(fs.readFileSync(path.join(worktree, 'work'), 'utf8')).toBe('mine');
    expect(box.catalog().entries).toEqual([]);
    expect(docker('ps', '-aq', '--no-trunc')).not.toContain(container_id);
  });
  it('and its folder too: nothing is to be lost', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const { worktree } = box.catalog().entries[0]!;
    for (const place of [box.repository, worktree]) fs.rmSync(place, { recursive: true });
    const ran = await runProgram(cli, ['rm', 'x', '--yes'], { cwd: box.folder, env: box.env });
    expect(ran).toMatchObject({ code: 0 });
    expect(box.catalog().entries).toEqual([]);
  });
});

it('a worktree that cannot be judged is not deleted, and the instance not removed, with --force too', async () => {
  await using box = makeSandbox();
  await box.ok('run', 'x');
  const dotGit = path.join(tree(box), '.git');
  const before = fs.readFileSync(dotGit, 'utf8');
  fs.writeFileSync(path.join(tree(box), 'work'), 'mine');
  fs.writeFileSync(dotGit, 'gitdir: /nowhere\n');
  const ran = await box.hjk('rm', 'x', '--force');
  expect(ran).toMatchObject({ code: 5 });
  expect(ran.stderr).toContain('cannot be stored');
  expect(box.catalog().entries).toMatchObject([{ branch: 'x', status: 'running' }]);
  fs.writeFileSync(dotGit, before);
  await box.ok('rm', 'x', '--force');
  expect(box.git('for-each-ref', 'refs/headjack/snapshots')).not.toBe('');
});

it('recreate stores what is in the worktree first', async () => {
  await using box = makeSandbox();
  await box.ok('run', 'x');
  await box.ok('recreate', 'x', '--yes');
  expect(box.git('for-each-ref', 'refs/headjack/snapshots')).toBe('');
  fs.writeFileSync(path.join(tree(box), 'work'), 'mine');
  await box.ok('recreate', 'x', '--yes');
  const [ref] = box.git('for-each-ref', '--format=%(refname)', 'refs/headjack/snapshots').trim().split('\n');
  expect(git(box.repository, 'show', `${ref}:work`)).toBe('mine');
  expect(fs.readFileSync(path.join(tree(box), 'work'), 'utf8')).toBe('mine');
});

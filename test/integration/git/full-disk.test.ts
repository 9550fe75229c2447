import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { createWorktreeKeeper } from '../../../src/git/keeper.ts';
import { git, makeFolder, makeRepository } from '../../support/sandbox.ts';

it('a full disk of the repository is said as such, and nothing half-written stays there', async () => {
  const folder = makeFolder();
  const disk = path.join(folder, 'disk');
  const tree = path.join(folder, 'tree');
  fs.mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
  try {
    const repo = path.join(disk, 'repo');
    makeRepository(repo);
    git(repo, 'worktree', 'add', '-q', '-b', 'b', tree);
    git(repo, 'worktree', 'lock', '--reason', 'headjack aaaaaaaa', tree);
    fs.writeFileSync(path.join(tree, 'large'), crypto.randomBytes(6_000_000));
    const others = path.join(repo, '.git/objects/pack/tmp_pack_others');
    fs.writeFileSync(others, 'x');
    const held = fs.openSync(others, 'r');
    const subject = {
      instanceId: 'aaaaaaaa',
      commonDir: path.join(repo, '.git'),
      worktree: tree,
      branch: 'b',
      deleteBranch: false,
      includeIgnored: false,
    };
    const keeper = createWorktreeKeeper({ PATH: process.env['PATH'], HOME: '/nonexistent' });
    const look = await keeper.look(subject);
    const before = listAll(repo);
    await expect(keeper.store(subject, look)).rejects.toMatchObject({
      code: 'disk_full',
      message: 'git cannot write: no space is left on the disk of the repository',
    });
    expect(listAll(repo)).toEqual(before);
    expect(fs.existsSync(others)).toBe(true); // another git has it open
    fs.closeSync(held);
    expect(git(repo, 'for-each-ref', 'refs/headjack')).toBe('');
  } finally {
    execFileSync('umount', [disk]);
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

function listAll(repo: string): string[] {
  return fs.readdirSync(path.join(repo, '.git'), { recursive: true, encoding: 'utf8' }).sort();
}

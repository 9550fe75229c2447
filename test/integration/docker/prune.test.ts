import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { git, makeSandbox, type Sandbox } from '../../support/sandbox.ts';

interface Item {
  kind: string;
  branch: string;
  what: string;
  kept?: string;
  removed: boolean;
}
const prune = async (box: Sandbox, ...args: string[]): Promise<Item[]> =>
  (JSON.parse(await box.ok('prune', '--json', '--min-age', '0', ...args)) as { items: Item[] }).items;
const tree = (box: Sandbox, branch: string): string =>
  box.catalog().entries.find(entry => entry.branch === branch)!.worktree;
const commit = (place: string, name: string, text = name): void => {
  fs.writeFileSync(path.join(place, name), text);
  git(place, 'add', '.');
  git(place, '-c', 'user.name=T', '-c', 'user.email=t@t', 'commit', '-qm', name);
};
const branches = (box: Sandbox): string[] =>
  box
    .catalog()
    .entries.map(entry => entry.branch)
    .sort();

describe('what is merged', () => {
  it('by a merge, a rebase, a squash, and not what is only begun', async () => {
    await using box = makeSandbox();
    const main = box.repository;
    for (const branch of ['merged', 'squashed', 'rebased', 'partly', 'open']) {
      await box.ok('run', branch);
      commit(tree(box, branch), `${branch}-1`);
      commit(tree(box, branch), `${branch}-2`);
    }
    git(main, 'merge', '-q', '--no-ff', '-m', 'Merge', 'merged');
    git(main, 'merge', '-q', '--squash', 'squashed');
    git(main, 'commit', '-qm', 'Squashed');
    git(main, 'cherry-pick', 'main..rebased');
    git(main, 'cherry-pick', 'partly~1');
    commit(main, 'later');
    const found = await prune(box, '--merged', '--dry-run');
    expect(found.map(item => [item.branch, item.what, item.kept, item.removed])).toEqual([
      ['merged', 'merged into main', undefined, false],
      ['squashed', 'squashed into main', undefined, false],
      ['rebased', 'rebased into main', undefined, false],
    ]);
    expect((await prune(box, '--merged', '--yes')).map(item => item.removed)).toEqual([true, true, true]);
    expect(branches(box)).toEqual(['open', 'partly']);
    expect(git(main, 'branch', '--list', 'squashed')).toContain('squashed');
  });
});

describe('what stays', () => {
  it('dirty, locked, in use, young; and everything without a terminal and --yes', async () => {
    await using box = makeSandbox();
    for (const branch of ['clean', 'dirty', 'locked', 'used']) await box.ok('run', branch);
    fs.writeFileSync(path.join(tree(box, 'dirty'), 'work'), 'mine');
    box.git('worktree', 'unlock', tree(box, 'locked'));
    box.git('worktree', 'lock', '--reason', 'mine', tree(box, 'locked'));
    await box.ok('exec', 'used', '-d', '-n', 's', 'sleep', '1000');
    expect((await box.hjk('prune')).stdout).toBe('Nothing to prune\n');
    const dry = await prune(box);
    expect(dry.map(item => [item.branch, item.kept])).toEqual([
      ['clean', undefined],
      ['dirty', 'untracked: work'],
      ['locked', 'the worktree is locked by somebody else: mine'],
      ['used', 'session s is detached'],
    ]);
    expect(branches(box)).toHaveLength(4);
    expect((await prune(box, '--yes')).map(item => item.branch)).toEqual(['clean']);
    expect(branches(box)).toEqual(['dirty', 'locked', 'used']);
    expect(fs.readFileSync(path.join(tree(box, 'dirty'), 'work'), 'utf8')).toBe('mine');
    expect(await box.hjk('prune', '--min-age', 'soon')).toMatchObject({ code: 2 });
  });
});

describe('snapshots', () => {
  it('survive gc, go when they are old, and not with --merged', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    fs.writeFileSync(path.join(tree(box, 'x'), 'work'), 'mine');
    await box.ok('rm', 'x', '--force');
    box.git('reflog', 'expire', '--expire=now', '--all');
    box.git('gc', '-q', '--prune=now');
    expect(await prune(box, '--merged', '--yes')).toEqual([]);
    expect(JSON.parse(await box.ok('prune', '--json', '--yes'))).toMatchObject({ items: [] });
    expect(box.git('for-each-ref', 'refs/headjack')).not.toBe('');
    expect((await prune(box, '--yes')).map(item => [item.kind, item.removed])).toEqual([['snapshot', true]]);
    expect(box.git('for-each-ref', 'refs/headjack')).toBe('');
  });
});

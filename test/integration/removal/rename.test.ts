import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { git, makeSandbox, type Sandbox } from '../../support/sandbox.ts';

const tree = (box: Sandbox): string => box.catalog().entries[0]!.worktree;

/** Two branches that conflict, and an instance of one. */
async function conflicting(box: Sandbox): Promise<string> {
  fs.writeFileSync(path.join(box.repository, 'README.md'), 'theirs\n');
  box.git('commit', '-qam', 'theirs');
  box.git('branch', 'x', 'HEAD~1');
  await box.ok('run', 'x');
  const place = tree(box);
  fs.writeFileSync(path.join(place, 'README.md'), 'ours\n');
  git(place, 'commit', '-qam', 'ours');
  return place;
}

describe('rename while something is under way', () => {
  it.each<[string, string[], string[]]>([
    ['a rebase', ['rebase', 'main'], ['rebase', '--abort']],
    ['a merge', ['merge', 'main'], ['merge', '--abort']],
    ['a cherry-pick', ['cherry-pick', 'main'], ['cherry-pick', '--abort']],
    ['a bisect', ['bisect', 'start', 'HEAD', 'HEAD~1'], ['bisect', 'reset']],
  ])('%s: refused, and it ends as it would have', async (what, begin, end) => {
    await using box = makeSandbox();
    const place = await conflicting(box);
    try {
      git(place, ...begin);
    } catch {
      // it stops at the conflict
    }
    const ran = await box.hjk('rename', 'x', 'y');
    expect(ran).toMatchObject({ code: 4 });
    expect(ran.stderr).toContain(what);
    expect(box.catalog().entries).toMatchObject([{ branch: 'x' }]);
    expect(box.catalog().entries[0]!.operation).toBeUndefined();
    git(place, ...end);
    expect(git(place, 'symbolic-ref', 'HEAD').trim()).toBe('refs/heads/x');
    await box.ok('rename', 'x', 'y');
    expect(git(place, 'symbolic-ref', 'HEAD').trim()).toBe('refs/heads/y');
    expect(git(place, 'status', '--porcelain')).toBe('');
  });

  it('a killed rename under which a rebase was begun goes back to the old name', async () => {
    await using box = makeSandbox();
    const place = await conflicting(box);
    const tip = git(place, 'rev-parse', 'HEAD').trim();
    box.git('branch', 'y', tip);
    const catalog = box.catalog();
    Object.assign(catalog.entries[0]!, {
      operation: {
        id: 'dead',
        kind: 'rename',
        pid: 1,
        pid_start: '1',
        boot_id: '00000000-0000-0000-0000-000000000000',
        pid_ns: 'x',
        since: '2026-01-01T00:00:00Z',
        rename: { from: 'x', to: 'y', tip },
      },
    });
    fs.writeFileSync(path.join(box.stateRoot, 'catalog.json'), JSON.stringify(catalog));
    expect(() => git(place, 'rebase', 'main')).toThrow();
    await box.ok('stop', 'x');
    expect(box.catalog().entries).toMatchObject([{ branch: 'x', status: 'stopped' }]);
    expect(box.git('branch', '--list', 'y')).toBe('');
    fs.writeFileSync(path.join(place, 'README.md'), 'both\n');
    git(place, 'add', '.');
    git(place, '-c', 'core.editor=true', 'rebase', '--continue');
    expect(git(place, 'symbolic-ref', 'HEAD').trim()).toBe('refs/heads/x');
  });
});

describe('rename', () => {
  it('keeps the reflog, goes on from it, and leaves no lock', async () => {
    await using box = makeSandbox();
    const place = await conflicting(box);
    git(place, 'commit', '-q', '--amend', '-m', 'again');
    const before = git(place, 'reflog', 'x', '--format=%H').trim().split('\n');
    await box.ok('rename', 'x', 'deep/er/y');
    const after = git(place, 'reflog', 'deep/er/y', '--format=%H %gs').trim().split('\n');
    expect(after).toHaveLength(before.length + 1);
    expect(after[0]).toContain('Branch: renamed refs/heads/x to refs/heads/deep/er/y');
    expect(after.slice(1).map(line => line.split(' ')[0])).toEqual(before);
    git(place, 'fsck', '--strict');
    git(place, 'commit', '-q', '--allow-empty', '-m', 'goes on');
    expect(fs.existsSync(path.join(git(place, 'rev-parse', '--absolute-git-dir').trim(), 'HEAD.lock'))).toBe(
      false,
    );
  });

  it('to a name below or above itself is refused in words; a rebase of it elsewhere too', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    expect(await box.hjk('rename', 'x', 'x/y')).toMatchObject({ code: 4 });
    git(tree(box), 'switch', '-q', '--detach');
    fs.mkdirSync(path.join(box.repository, '.git/rebase-merge'));
    fs.writeFileSync(path.join(box.repository, '.git/rebase-merge/head-name'), 'refs/heads/x\n');
    expect((await box.hjk('rename', 'x', 'y')).stderr).toContain('the main checkout');
  });

  it.each<[string, string]>([
    ['a link in the place of the reflogs', 'logs/refs/heads'],
    ['a link in the place of the reflog', 'logs/refs/heads/x'],
  ])('%s leads nowhere', async (_what, place) => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const outside = path.join(box.folder, 'outside');
    fs.mkdirSync(outside);
    fs.writeFileSync(path.join(outside, 'x'), 'mine\n');
    const target = path.join(box.repository, '.git', place);
    fs.rmSync(target, { recursive: true });
    fs.symlinkSync(place.endsWith('/x') ? path.join(outside, 'x') : outside, target);
    expect(await box.hjk('rename', 'x', 'y')).toMatchObject({ code: 5 });
    await box.ok('rm', 'x', '-D', '--yes');
    expect(box.git('branch', '--list', 'x')).not.toBe('');
    expect(fs.readFileSync(path.join(outside, 'x'), 'utf8')).toBe('mine\n');
  });
});

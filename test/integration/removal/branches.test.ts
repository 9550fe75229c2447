import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createWorktreeKeeper } from '../../../src/git/keeper.ts';
import { git, makeFolder, makeRepository, makeSandbox, type Sandbox } from '../../support/sandbox.ts';

/** Instances of branches that are all at one commit, which no other branch has. */
async function twins(box: Sandbox, ...branches: string[]): Promise<string> {
  box.git('switch', '-q', '-c', 'made');
  box.git('commit', '-q', '--allow-empty', '-m', 'only here');
  const tip = box.git('rev-parse', 'HEAD').trim();
  box.git('switch', '-q', 'main');
  for (const branch of branches) box.git('branch', branch, tip);
  box.git('branch', '-q', '-D', 'made');
  await Promise.all(branches.map(branch => box.ok('run', branch)));
  return tip;
}

/** As `rm -D` leaves it when it is killed right after the point of no return. */
function beginDeleting(box: Sandbox, branch: string, tip: string): void {
  const catalog = box.catalog();
  Object.assign(
    catalog.entries.find(e => e.branch === branch)!,
    {
      operation: {
        id: 'dead',
        kind: 'rm',
        pid: 1,
        pid_start: '1',
        boot_id: '00000000-0000-0000-0000-000000000000',
        pid_ns: 'x',
        since: '2026-01-01T00:00:00Z',
        deleting: { snapshot: '', branch_tip: tip },
      },
    },
  );
  fs.writeFileSync(path.join(box.stateRoot, 'catalog.json'), JSON.stringify(catalog));
}

describe('removals at once that delete branches', () => {
  it('never count on each other: of three with the same commits one stays', async () => {
    await using box = makeSandbox();
    const tip = await twins(box, 'a', 'b', 'c');
    const ran = await Promise.all(['a', 'b', 'c'].map(branch => box.hjk('rm', branch, '-D', '--yes')));
    expect(ran.map(r => r.code).toSorted()).toEqual([0, 0, 5]);
    expect(ran.find(r => r.code === 5)!.stderr).toContain('commit of branch');
    expect(box.catalog().entries).toHaveLength(1);
    expect(box.catalog().entries[0]!.operation).toBeUndefined();
    expect(box.git('branch', '--format=%(refname:short)', '--contains', tip).trim()).toMatch(/^[abc]$/);
  });

  it('a removal that was killed once it had begun to delete still counts as one, a renamed branch as what it is', async () => {
    await using box = makeSandbox();
    const tip = await twins(box, 'a', 'b');
    beginDeleting(box, 'a', tip);
    const refused = await box.hjk('rm', 'b', '-D', '--yes');
    expect(refused).toMatchObject({ code: 5 });
    expect(refused.stderr).toContain('branch a does not count');
    expect(await box.ok('rename', 'b', 'b2')).toContain('b2');
    expect(JSON.parse(await box.ok('rm', 'a', '--json'))).toMatchObject({
      removed: [{ branch: 'a', branch_deleted: true }],
    });
    expect(box.git('branch', '--format=%(refname:short)', '--contains', tip).trim()).toBe('b2');
  });

  it('what held the commits is deleted by git between look and deletion: a snapshot holds them, and the answer names it', async () => {
    await using box = makeSandbox();
    const tip = await twins(box, 'a');
    box.git('branch', 'holder', tip);
    beginDeleting(box, 'a', tip);
    box.git('branch', '-q', '-D', 'holder');
    const ran = await box.hjk('rm', 'a', '--json', '-v');
    expect(ran.code).toBe(0);
    const { removed } = JSON.parse(ran.stdout) as { removed: [{ snapshot: string }] };
    expect(box.git('merge-base', tip, removed[0].snapshot).trim()).toBe(tip);
    expect(box.git('for-each-ref', '--format=%(refname)', '--contains', tip)).toMatch(
      /^refs\/headjack\/snapshots\//,
    );
    expect(box.catalog().entries).toEqual([]);
  });
});

describe('deleting a branch', () => {
  const keeper = createWorktreeKeeper({ PATH: process.env['PATH'], HOME: '/nonexistent' });
  const setUp = (): { repo: string; tip: string; drop: (name: string) => Promise<string> } => {
    const repo = path.join(makeFolder(), 'repo');
    makeRepository(repo);
    git(repo, 'switch', '-q', '-c', 'a');
    git(repo, 'commit', '-q', '--allow-empty', '-m', 'only here');
    const tip = git(repo, 'rev-parse', 'HEAD').trim();
    git(repo, 'switch', '-q', 'main');
    const drop = (name: string): Promise<string> =>
      keeper.deleteBranch(path.join(repo, '.git'), { name, tip }, { keepConfig: false });
    return { repo, tip, drop };
  };

  it.each<[string, string[]]>([
    ['nothing', []],
    ['a symbolic ref to it', ['symbolic-ref', 'refs/heads/alias', 'refs/heads/a']],
    ['a ref that is no branch', ['update-ref', 'refs/stash', 'a']],
  ])('is refused where only %s holds its commits', async (_what, args) => {
    const { repo, tip, drop } = setUp();
    if (args.length > 0) git(repo, ...args);
    expect(await drop('a')).toBe('kept');
    expect(git(repo, 'rev-parse', 'a').trim()).toBe(tip);
    fs.rmSync(path.dirname(repo), { recursive: true });
  });

  it.each<[string, string[]]>([
    ['another branch', ['branch', 'b', 'a']],
    ['a tag', ['tag', '-m', 'x', 'v1', 'a']],
    ['a remote-tracking branch', ['update-ref', 'refs/remotes/origin/a', 'a']],
    ['a snapshot', ['update-ref', 'refs/headjack/snapshots/aaaaaaaa-1', 'a']],
  ])('goes where %s holds them, with its configuration', async (_what, args) => {
    const { repo, drop } = setUp();
    git(repo, ...args);
    git(repo, 'config', 'branch.a.remote', 'origin');
    git(repo, 'pack-refs', '--all');
    expect(await drop('a')).toBe('deleted');
    expect(git(repo, 'branch', '--list', 'a')).toBe('');
    expect(git(repo, 'config', '--list')).not.toContain('branch.a.');
    expect(await drop('a')).toBe('moved');
    fs.rmSync(path.dirname(repo), { recursive: true });
  });

  it('that is a symbolic ref takes it away and leaves what it leads to', async () => {
    const { repo, tip, drop } = setUp();
    git(repo, 'symbolic-ref', 'refs/heads/alias', 'refs/heads/a');
    expect(await drop('alias')).toBe('deleted');
    expect(git(repo, 'rev-parse', 'a').trim()).toBe(tip);
    expect(git(repo, 'branch', '--list', 'alias')).toBe('');
    fs.rmSync(path.dirname(repo), { recursive: true });
  });

  it('twenty twins at once, without a catalog between them: the last one stays', async () => {
    const { repo, tip, drop } = setUp();
    const names = Array.from({ length: 20 }, (_, i) => `t${i}`);
    for (const name of names) git(repo, 'branch', name, 'a');
    const done = await Promise.all([...names, 'a'].map(name => drop(name)));
    expect(done.filter(d => d === 'deleted')).toHaveLength(20);
    expect(git(repo, 'branch', '--contains', tip).trim().split('\n')).toHaveLength(1);
    fs.rmSync(path.dirname(repo), { recursive: true });
  });
});

import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { docker, git, makeRepository, makeSandbox, until, type Sandbox } from '../../support/sandbox.ts';

function own(): Sandbox {
  const sandbox = makeSandbox();
  const config = path.join(sandbox.home, '.config/headjack');
  fs.mkdirSync(config, { recursive: true });
  fs.writeFileSync(path.join(config, 'config.yaml'), 'git:\n  directory: own\n');
  return sandbox;
}

const commit = 'echo a >a && git add a && git commit -qm a && git rev-parse HEAD';

describe('an instance with a git directory of its own', () => {
  it('shows a commit of exec on the host when exec returns, and one of the host inside when exec begins', async () => {
    await using sandbox = own();
    await sandbox.ok('run', 'feat');
    const [entry] = sandbox.catalog().entries;
    const tip = (await sandbox.ok('exec', 'feat', '--no-mux', 'sh', '-c', commit)).trim();
    expect(sandbox.git('rev-parse', 'feat').trim()).toBe(tip);
    expect(git(entry!.worktree, 'status', '--porcelain')).toBe('');
    fs.writeFileSync(path.join(entry!.worktree, 'b'), 'b\n');
    git(entry!.worktree, 'add', 'b');
    git(entry!.worktree, 'commit', '-qm', 'b');
    expect(await sandbox.ok('exec', 'feat', '--no-mux', 'git', 'log', '-1', '--format=%s')).toBe('b\n');
    expect(await sandbox.ok('exec', 'feat', '--no-mux', 'git', 'status', '--porcelain')).toBe('');
  });

  it('carries commits of a session while it goes on, and both ways', async () => {
    await using sandbox = own();
    await sandbox.ok('run', 'feat');
    const [entry] = sandbox.catalog().entries;
    await sandbox.ok('exec', 'feat', '-d', '--name', 's', 'sh', '-c', `${commit}; sleep 1000`);
    await until('the commit is on the host', () => sandbox.git('log', '-1', '--format=%s', 'feat') === 'a\n');
    fs.writeFileSync(path.join(entry!.worktree, 'b'), 'b\n');
    git(entry!.worktree, 'add', 'b');
    git(entry!.worktree, 'commit', '-qm', 'b');
    const bridge = path.join(sandbox.stateRoot, 'instances', entry!.id, 'bridge.json');
    const tip = sandbox.git('rev-parse', 'feat').trim();
    await until(
      'the commit is inside',
      () => (JSON.parse(fs.readFileSync(bridge, 'utf8')) as { carried: string }).carried === tip,
    );
    await sandbox.ok('stop', 'feat');
  });

  it('says where the two sides are apart, and where another branch is checked out inside', async () => {
    await using sandbox = own();
    await sandbox.ok('run', 'feat');
    const [entry] = sandbox.catalog().entries;
    git(entry!.worktree, 'commit', '-q', '--allow-empty', '-m', 'host');
    // not by hjk, which would carry the one before the other is made
    docker(
      'exec',
      '-w',
      entry!.worktree,
      entry!.container_id,
      'git',
      'commit',
      '-q',
      '--allow-empty',
      '-m',
      'in',
    );
    const synced = await sandbox.hjk('sync', 'feat');
    expect(synced.code).toBe(4);
    expect(synced.stdout).toContain('moved on both sides');
    expect(synced.stdout).toContain('git merge host/feat');
    expect(await sandbox.ok('ps')).toContain('moved on both sides');
    expect((await sandbox.hjk('exec', 'feat', '--no-mux', 'true')).stderr).toContain('moved on both sides');
    await sandbox.ok(
      'exec',
      'feat',
      '--no-mux',
      'sh',
      '-c',
      'git merge -q host/feat && git switch -qc other',
    );
    expect(await sandbox.ok('ps')).toContain('running, on other');
    expect(sandbox.git('log', '--format=%s', '-3', 'feat')).toContain('host');
    expect(git(entry!.worktree, 'branch', '--show-current')).toBe('feat\n');
  });

  it('mirrors what only its git directory has when it stops', async () => {
    await using sandbox = own();
    await sandbox.ok('run', 'feat');
    const [entry] = sandbox.catalog().entries;
    const work = [
      'git switch -qc spike && git commit -q --allow-empty -m spike && git branch main-2 && git switch -q feat',
      'echo s >README.md && git stash -q && echo t >README.md && git stash -q',
      'git commit -q --allow-empty -m lost && git reset -q --hard HEAD^',
      'echo staged >staged && git add staged',
    ];
    await sandbox.ok('exec', 'feat', '--no-mux', 'sh', '-ec', work.join('\n'));
    const spike = (await sandbox.ok('exec', 'feat', '--no-mux', 'git', 'rev-parse', 'spike')).trim();
    await sandbox.ok(
      'exec',
      'feat',
      '--no-mux',
      'sh',
      '-c',
      'git switch -q spike && git commit -q --allow-empty -m spike-2; git switch -q feat',
    );
    await sandbox.ok('stop', 'feat');
    expect(sandbox.git('rev-parse', 'spike').trim()).toBe(spike);
    const kept = sandbox.git(
      'for-each-ref',
      '--format=%(refname:lstrip=5) %(subject)',
      `refs/headjack/instances/${entry!.id}/@`,
    );
    expect(kept).toMatch(/^heads\/spike spike-2$/m);
    expect(kept).toMatch(/^stash\/0 WIP/m);
    expect(kept).toMatch(/^stash\/1 WIP/m);
    expect(kept).toMatch(/^reflog\/\d+ lost$/m);
    expect(kept).toMatch(/^index/m);
    sandbox.git('fsck', '--connectivity-only');
    const refused = await sandbox.hjk('rm', 'feat', '--yes');
    expect(refused.code).toBe(5);
    expect(refused.stderr).toMatch(/branch "spike" .* is in the container's git directory only/);
    expect(refused.stderr).toContain('stash@{0}');
    await sandbox.ok('rm', 'feat', '--force');
    expect(sandbox.git('for-each-ref', `refs/headjack/instances/${entry!.id}/@/stash`)).not.toBe('');
  });

  it('is removed without a question where nothing is in it, and nothing of it is left', async () => {
    await using sandbox = own();
    await sandbox.ok('run', 'feat');
    await sandbox.ok('exec', 'feat', '--no-mux', 'sh', '-c', commit);
    await sandbox.ok('rm', 'feat', '--yes');
    expect(sandbox.git('for-each-ref', 'refs/headjack')).toBe('');
    expect(sandbox.git('log', '-1', '--format=%s', 'feat')).toBe('a\n');
  });

  it('does not delete work that was committed before somebody else stopped the container', async () => {
    await using sandbox = own();
    await sandbox.ok('run', 'feat');
    const [entry] = sandbox.catalog().entries;
    docker(
      'exec',
      '-w',
      entry!.worktree,
      entry!.container_id,
      'sh',
      '-c',
      'git switch -qc spike && git commit -q --allow-empty -m s',
    );
    docker('rm', '-f', entry!.container_id);
    const refused = await sandbox.hjk('rm', 'feat', '--force');
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('hjk start feat');
    await sandbox.ok('start', 'feat');
    docker('stop', '-t', '0', sandbox.catalog().entries[0]!.container_id);
    await sandbox.ok('rm', 'feat', '--yes');
    expect(sandbox.git('log', '-1', '--format=%s', 'spike')).toBe('s\n');
  });

  it('follows a rename, also one while it was stopped', async () => {
    await using sandbox = own();
    await sandbox.ok('run', 'feat');
    await sandbox.ok('rename', 'feat', 'feature/new');
    const shown = await sandbox.ok(
      'exec',
      'feature/new',
      '--no-mux',
      'sh',
      '-c',
      `git branch --show-current; ${commit}`,
    );
    expect(shown.split('\n')[0]).toBe('feature/new');
    expect(sandbox.git('log', '-1', '--format=%s', 'feature/new')).toBe('a\n');
    await sandbox.ok('stop', 'feature/new');
    await sandbox.ok('rename', 'feature/new', 'third');
    const then = ['git', 'for-each-ref', '--format=%(refname)', 'refs/heads'];
    expect(await sandbox.ok('exec', 'third', '--no-mux', ...then)).toBe(
      'refs/heads/main\nrefs/heads/third\n',
    );
    expect(await sandbox.ok('ps')).not.toContain('on ');
  });

  it('does not remove what only the repository of a submodule inside has, with --force neither', async () => {
    await using sandbox = own();
    const upstream = path.join(sandbox.folder, 'upstream');
    makeRepository(upstream);
    sandbox.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', upstream, 'sub');
    sandbox.git('commit', '-qm', 'sub');
    await sandbox.ok('run', 'feat', '-v', `${upstream}:${upstream}`);
    const inside = (line: string): Promise<string> =>
      sandbox.ok('exec', 'feat', '--no-mux', 'sh', '-ec', line);
    await inside('git -c protocol.file.allow=always submodule --quiet update --init');
    await inside('cd sub; git switch -qc topic; echo x >x; git add x; git commit -qm only-here');
    await inside('git submodule --quiet deinit -f sub; git status --porcelain');
    const refused = await sandbox.hjk('rm', 'feat', '--yes');
    expect(refused).toMatchObject({ code: 5 });
    expect(refused.stderr).toContain('submodule "sub"');
    const forced = await sandbox.hjk('rm', 'feat', '--force');
    expect(forced).toMatchObject({ code: 5 });
    expect(forced.stderr).toContain('cannot be copied');
    await sandbox.ok('start', 'feat');
    await inside('git --git-dir=/run/headjack/git/modules/sub --work-tree=/tmp push -q origin topic');
    await sandbox.ok('rm', 'feat', '--yes');
    expect(git(upstream, 'log', '-1', '--format=%s', 'topic')).toBe('only-here\n');
  });
});

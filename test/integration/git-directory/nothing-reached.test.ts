import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { git, makeSandbox, ownGit, type Sandbox } from '../../support/sandbox.ts';

/** A file and a folder of the user's that must stay as they are, and a program that must not run. */
function plant(box: Sandbox): { file: string; folder: string; trap: string; same: () => void } {
  const folder = path.join(box.folder, 'canary');
  fs.mkdirSync(folder);
  const file = path.join(folder, 'bashrc');
  fs.writeFileSync(file, 'mine\n');
  fs.writeFileSync(path.join(folder, 'b'), 'notes\n');
  const mark = path.join(box.folder, 'sprung');
  const trap = path.join(box.catalog().entries[0]!.worktree, 'trap.sh');
  fs.writeFileSync(trap, `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
  return {
    file,
    folder,
    trap,
    same: () => {
      expect(fs.readFileSync(file, 'utf8')).toBe('mine\n');
      expect(fs.readdirSync(folder).sort()).toEqual(['b', 'bashrc']);
      expect(fs.readFileSync(path.join(folder, 'b'), 'utf8')).toBe('notes\n');
      expect(fs.existsSync(mark)).toBe(false);
    },
  };
}

/** What the user does on the host all day, where it works; what hangs fails the test. */
function everyday(place: string): void {
  const commands = [
    ['commit', '--allow-empty', '-q', '-m', 'mine'],
    ['status'],
    ['diff'],
    ['cherry-pick', '--allow-empty', 'b'],
    ['cherry-pick', '--abort'],
    ['checkout', '-q', '--', '.'],
    ['stash'],
    ['gc', '-q'],
    ['fsck'],
  ];
  for (const args of commands)
    try {
      execFileSync('git', ['-c', 'user.name=u', '-c', 'user.email=u@u', ...args], {
        cwd: place,
        env: { PATH: process.env['PATH'], HOME: '/nonexistent', GIT_EDITOR: 'true' },
        stdio: 'ignore',
        timeout: 20_000,
      });
    } catch (error) {
      expect((error as { signal?: string | null }).signal ?? null, args.join(' ')).toBeNull();
    }
}

it('a program inside moves, deletes and reads the reflog of no branch but its own', async () => {
  await using box = makeSandbox({ config: ownGit });
  box.git('branch', 'other');
  box.git('tag', 'v1');
  box.git('update-ref', 'refs/notes/commits', 'main');
  box.git('commit', '-q', '--allow-empty', '-m', 'second');
  await box.ok('run', 'b');
  const list = (): string =>
    box.git(
      'for-each-ref',
      '--format=%(refname) %(objectname)',
      'refs/heads/main',
      'refs/heads/other',
      'refs/tags/v1',
      'refs/notes',
    );
  const before = list();
  const inside = await box.hjk(
    ...['exec', 'b', '--no-mux', 'sh', '-c'],
    `git reflog show main; git log -g other; cat $(git rev-parse --git-path logs/refs/heads/main)
     git commit -q --allow-empty -m evil
     git branch -f main; git branch -f other; git tag -f v1 >/dev/null; git update-ref refs/notes/commits HEAD`,
  );
  expect(inside.stdout).toBe('');
  await box.ok(
    'exec',
    'b',
    '--no-mux',
    'sh',
    '-c',
    'git branch -D main other; git tag -d v1; git pack-refs --all',
  );
  await box.hjk('sync', 'b');
  await box.ok('stop', 'b');
  expect(list()).toBe(before);
  expect(box.git('log', '-1', '--format=%s', 'b')).toBe('evil\n');
  box.git('fsck', '--strict');
});

it('what is planted in its git directory reaches nothing of the host, whatever the user and hjk do', async () => {
  await using box = makeSandbox({ config: ownGit });
  box.git('branch', 'other');
  await box.ok('run', 'b');
  const entry = box.catalog().entries[0]!;
  const secret = path.join(box.folder, 'private');
  fs.cpSync(box.repository, secret, { recursive: true });
  git(secret, 'commit', '-q', '--allow-empty', '-m', 'private');
  const hidden = git(secret, 'rev-parse', 'HEAD').trim();
  const canary = plant(box);
  const common = path.join(box.repository, '.git');
  await box.hjk(
    ...['exec', 'b', '--no-mux', 'sh', '-c'],
    `git commit -q --allow-empty -m '$(touch ${canary.file})'
     D=$(git rev-parse --absolute-git-dir)
     for g in $D ${common} ${common}/worktrees/b; do
       mkdir -p $g/logs/refs $g/worktrees/b; rm -rf $g/logs/HEAD $g/logs/refs/heads
       ln -sf ${canary.file} $g/COMMIT_EDITMSG; ln -sf ${canary.file} $g/logs/HEAD; ln -sfn ${canary.folder} $g/logs/refs/heads
       ln -sf ${canary.file} $g/ORIG_HEAD; ln -sf ${canary.file} $g/index.lock; ln -sf ${canary.file} $g/config.lock
       mkfifo $g/MERGE_HEAD $g/locked $g/worktrees/b/locked; ln -sf /dev/zero $g/MERGE_MSG; ln -sfn ${canary.folder} $g/rebase-merge
       echo ${secret}/.git/objects >>$g/objects/info/alternates
       printf '[core]\\n\\tfsmonitor = ${canary.trap}\\n\\tpager = ${canary.trap}\\n\\thooksPath = ${entry.worktree}\\n' >>$g/config
       mkdir -p $g/hooks; for h in post-commit pre-commit post-checkout reference-transaction post-index-change; do cp ${canary.trap} $g/hooks/$h; done
       echo ${hidden} >$g/refs/heads/leak; echo ${secret}/.git >$g/commondir
     done 2>/dev/null
     rm -f .git; mv .git x; umount .git; echo gitdir: ${canary.folder} >.git`,
  );
  canary.same();
  expect(fs.existsSync(path.join(common, 'COMMIT_EDITMSG'))).toBe(
    fs.existsSync(path.join(secret, '.git/COMMIT_EDITMSG')),
  );
  for (const place of [box.repository, entry.worktree]) everyday(place);
  canary.same();
  for (const args of [
    ['ps'],
    ['sync', 'b'],
    ['run', 'c'],
    ['exec', 'b', '--no-mux', 'true'],
    ['doctor'],
    ['stop', 'b'],
    ['prune', '--dry-run'],
    ['recreate', 'b', '--yes'],
    ['rm', 'b', '--force'],
  ]) {
    await box.hjk(...args);
    canary.same();
  }
  everyday(box.repository);
  canary.same();
  expect(() => box.git('cat-file', '-e', hidden)).toThrow();
  expect(box.git('branch', '--list', 'leak', 'other').trim()).toBe('other');
  box.git('fsck', '--strict');
});

it("the user's own changes of the configuration and hooks open nothing to programs inside", async () => {
  await using box = makeSandbox({ config: ownGit });
  await box.ok('run', 'b');
  const { worktree } = box.catalog().entries[0]!;
  const common = path.join(box.repository, '.git');
  box.git('config', 'extensions.worktreeConfig', 'true');
  git(worktree, 'sparse-checkout', 'set', '--cone', 'nothing');
  box.git('config', 'some.thing', 'else');
  fs.rmSync(path.join(common, 'hooks'), { recursive: true, force: true });
  fs.mkdirSync(path.join(common, 'hooks'));
  const files = [
    'config',
    'config.worktree',
    'hooks/post-commit',
    'worktrees/b/config.worktree',
    'info/attributes',
    'HEAD',
  ];
  const content = (): (string | undefined)[] =>
    files.map(name =>
      fs.existsSync(path.join(common, name)) ? fs.readFileSync(path.join(common, name), 'utf8') : undefined,
    );
  const was = content();
  await box.hjk(
    ...['exec', 'b', '--no-mux', 'sh', '-c'],
    files.map(name => `echo x >>${common}/${name}`).join('; '),
  );
  expect(content()).toEqual(was);
});

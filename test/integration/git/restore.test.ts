import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWorktreeKeeper } from '../../../src/git/keeper.ts';
import type { WorktreeSubject } from '../../../src/git/look.ts';
import { git, makeFolder, makeRepository } from '../../support/sandbox.ts';

let folder: string;
let repo: string;
let tree: string;
const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };
const keeper = createWorktreeKeeper(env);
let subject: WorktreeSubject;

beforeEach(context => {
  // many small files: on a disk this would measure the disk
  const inMemory = context.task.name.includes('100,000') && fs.existsSync('/dev/shm');
  folder = inMemory ? fs.mkdtempSync('/dev/shm/hjk-test-') : makeFolder();
  repo = path.join(folder, 'repo');
  tree = path.join(folder, 'trees', 'b');
  makeRepository(repo);
  fs.writeFileSync(path.join(repo, '.gitignore'), 'ignored/\n*.o\n');
  for (const name of ['tracked', 'other', 'gone', 'deep/er/file']) write(name, `${name}\n`, repo);
  write('run.sh', '#!/bin/sh\n', repo);
  fs.chmodSync(path.join(repo, 'run.sh'), 0o755);
  commit('Second', repo);
  git(repo, 'worktree', 'add', '-q', '-b', 'b', tree);
  subject = {
    instanceId: 'aaaaaaaa',
    commonDir: path.join(repo, '.git'),
    worktree: tree,
    branch: 'b',
    deleteBranch: false,
    includeIgnored: false,
  };
});
afterEach(() => {
  execFileSync('chmod', ['-R', 'u+rwx', folder]);
  fs.rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text = 'x\n', base = tree): void {
  fs.mkdirSync(path.dirname(path.join(base, name)), { recursive: true });
  fs.writeFileSync(path.join(base, name), text);
}
function commit(message: string, at = tree): string {
  git(at, 'add', '-A');
  git(at, 'commit', '-qm', message);
  return git(at, 'rev-parse', 'HEAD').trim();
}
const attempt = (...args: string[]): void => {
  try {
    git(tree, ...args);
  } catch {
    // a conflict is what was wanted
  }
};
/** Every file but git's own: bytes, modes, targets of links. */
function listing(at = tree): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (relative: Buffer): void => {
    const full = Buffer.concat([Buffer.from(`${at}/`), relative]);
    for (const name of fs.readdirSync(full, { encoding: 'buffer' })) {
      const child = relative.length === 0 ? name : Buffer.concat([relative, Buffer.from('/'), name]);
      if (name.toString() === '.git') continue;
      const file = Buffer.concat([Buffer.from(`${at}/`), child]);
      const stat = fs.lstatSync(file);
      if (stat.isDirectory()) visit(child);
      else
        found[child.toString('latin1')] = stat.isSymbolicLink()
          ? `-> ${fs.readlinkSync(file, 'latin1')}`
          : `${(stat.mode & 0o777).toString(8)} ${fs.readFileSync(file, 'latin1')}`;
    }
  };
  visit(Buffer.alloc(0));
  return found;
}
/** What git says of the worktree. */
const gitView = (): Record<string, string> => ({
  head: fs.readFileSync(path.join(git(tree, 'rev-parse', '--absolute-git-dir').trim(), 'HEAD'), 'utf8'),
  index: git(tree, 'ls-files', '-s', '-z'),
  flags: git(tree, 'ls-files', '-t', '-z'),
  status: git(tree, 'status', '--porcelain=v2', '-z', '--untracked-files=all', '--ignored=no'),
});

/** Stores, deletes and restores; gives what it was before and what it is now. */
async function roundTrip(change: Partial<WorktreeSubject> = {}): Promise<void> {
  const before = { files: listing(), git: gitView() };
  const of = { ...subject, ...change };
  const stored = await keeper.store(of, await keeper.look(of));
  keeper.deleteFolder(tree);
  git(repo, 'worktree', 'prune');
  if (of.deleteBranch) git(repo, 'branch', '-qD', 'b');
  git(repo, 'reflog', 'expire', '--expire=now', '--all');
  git(repo, 'gc', '-q', '--prune=now');
  git(repo, 'fsck', '--strict');
  const [snapshot] = await keeper.listSnapshots(subject.commonDir);
  expect(snapshot).toMatchObject({ id: 'aaaaaaaa-1', commit: stored.commit });
  const plan = await keeper.planRestore(subject.commonDir, snapshot!, undefined);
  git(repo, 'worktree', 'add', '-q', '--no-checkout', '--detach', tree, stored.commit);
  const metadata = keeper.findMetadata(subject.commonDir, tree);
  await keeper.restore(metadata!, tree, snapshot!, plan);
  expect({ files: listing(), git: gitView() }).toEqual(before);
}

describe('what was stored comes back exactly', () => {
  it.each<[string, () => void, Partial<WorktreeSubject>?]>([
    [
      'staged, changed, deleted, intended, untracked',
      () => {
        write('staged', 'staged\n');
        write('tracked', 'staged too\n');
        git(tree, 'add', 'staged', 'tracked');
        write('tracked', 'and changed\n');
        git(tree, 'rm', '-q', '--cached', 'other');
        git(tree, 'rm', '-q', 'gone');
        fs.rmSync(path.join(tree, 'deep/er/file'));
        write('intended', 'not yet\n');
        git(tree, 'add', '-N', 'intended');
        write('new/deep/er', 'untracked\n');
      },
    ],
    [
      'modes and links',
      () => {
        write('secret', 'x');
        fs.chmodSync(path.join(tree, 'secret'), 0o600);
        write('readonly/file', 'x');
        fs.chmodSync(path.join(tree, 'readonly/file'), 0o444);
        write('exec', '#!/bin/sh\n');
        fs.chmodSync(path.join(tree, 'exec'), 0o755);
        fs.chmodSync(path.join(tree, 'run.sh'), 0o644);
        fs.chmodSync(path.join(tree, 'tracked'), 0o755);
        fs.symlinkSync('nowhere', path.join(tree, 'dangling'));
        fs.symlinkSync('.', path.join(tree, 'loop'));
        fs.symlinkSync('/etc/passwd', path.join(tree, 'away'));
        fs.rmSync(path.join(tree, 'other'));
        fs.symlinkSync('tracked', path.join(tree, 'other'));
        fs.rmSync(path.join(tree, 'deep'), { recursive: true });
        write('deep', 'a file where a folder was');
      },
    ],
    [
      'names of any bytes',
      () => {
        for (const name of ['new\nline', ' lead', '"quoted"', 'tab\t', '-dash', 'back\\slash', '日本語'])
          write(name, name);
        fs.writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xfe, 0x80, 0x41])]), 'bytes');
        fs.symlinkSync(
          Buffer.from([0xff, 0x2f]),
          Buffer.concat([Buffer.from(`${tree}/l`), Buffer.from([0xfd])]),
        );
      },
    ],
    [
      'bytes that attributes, filters and line endings would change',
      () => {
        git(tree, 'config', 'filter.evil.clean', 'tr a-z A-Z');
        git(tree, 'config', 'filter.evil.smudge', 'tr A-Z a-z');
        write(
          '.gitattributes',
          '*.txt text eol=crlf\n*.f filter=evil ident\n*.w working-tree-encoding=UTF-16\n',
        );
        write('mixed.txt', 'one\r\ntwo\nthree\r\n');
        write('x.f', 'Hello $Id$ World\n');
        write('y.w', 'plain\n');
        fs.writeFileSync(
          path.join(tree, 'binary'),
          Buffer.from(Array.from({ length: 70_000 }, (_, i) => i & 255)),
        );
        write('empty', '');
      },
    ],
    [
      'a detached HEAD with commits of its own',
      () => {
        git(tree, 'checkout', '-q', '--detach');
        write('x');
        commit('Detached');
        write('y');
      },
    ],
    [
      'another branch than the instance has',
      () => {
        git(tree, 'switch', '-q', '-c', 'else');
        write('y');
      },
    ],
    [
      'a branch that goes too',
      () => {
        write('x');
        commit('On the branch');
        write('y');
      },
      { deleteBranch: true },
    ],
    [
      'a branch without commits',
      () => {
        git(tree, 'checkout', '-q', '--orphan', 'b2');
        git(tree, 'rm', '-rq', '--cached', '.');
        write('x');
        git(tree, 'add', 'x');
      },
    ],
    [
      'a conflict',
      () => {
        git(tree, 'branch', 'theirs', 'main');
        write('tracked', 'ours\n');
        commit('Ours');
        git(tree, 'checkout', '-q', 'theirs');
        write('tracked', 'theirs\n');
        commit('Theirs');
        git(tree, 'checkout', '-q', 'b');
        write('tracked~2', 'a file of that name\n');
        git(tree, 'add', 'tracked~2');
        commit('Name');
        attempt('merge', 'theirs');
      },
    ],
    [
      'a sparse checkout',
      () => {
        git(tree, 'sparse-checkout', 'set', '--no-cone', '/tracked', '/other');
        write('tracked', 'changed\n');
      },
    ],
    [
      'ignored files, when asked for',
      () => {
        write('ignored/deep/a', 'kept\n');
        write('x.o', 'kept too\n');
      },
      { includeIgnored: true },
    ],
  ])('%s', async (_name, prepare, change) => {
    prepare();
    await roundTrip(change);
  });

  it('a rebase that stopped at a conflict can be continued', async () => {
    write('tracked', 'ours\n');
    commit('Ours');
    write('more', 'more\n');
    commit('More');
    git(repo, 'checkout', '-q', 'main');
    write('tracked', 'main\n', repo);
    commit('Main', repo);
    attempt('rebase', 'main');
    write('untracked', 'x\n');
    await roundTrip();
    write('tracked', 'solved\n');
    git(tree, 'add', 'tracked');
    git(tree, '-c', 'core.editor=true', 'rebase', '--continue');
    expect(git(tree, 'log', '--format=%s', 'main..b').trim().split('\n')).toEqual(['More', 'Ours']);
    expect(git(tree, 'symbolic-ref', 'HEAD').trim()).toBe('refs/heads/b');
  });
  it('a cherry-pick of several goes on where only its list is left', async () => {
    git(tree, 'checkout', '-q', '-b', 'source');
    for (const name of ['1', '2', '3']) {
      write(name);
      write('tracked', `${name}\n`);
      commit(name);
    }
    git(tree, 'checkout', '-q', 'b');
    write('tracked', 'ours\n');
    commit('Ours');
    attempt('cherry-pick', 'source~2', 'source~1', 'source');
    write('tracked', '1\n');
    git(tree, 'add', '.');
    git(tree, 'commit', '-qm', 'Solved');
    git(tree, 'branch', '-qD', 'source');
    expect(fs.existsSync(path.join(repo, '.git/worktrees/b/CHERRY_PICK_HEAD'))).toBe(false);
    await roundTrip();
    git(tree, 'cherry-pick', '--continue');
    expect(git(tree, 'log', '--format=%s', '-3').trim().split('\n')).toEqual(['3', '2', 'Solved']);
  });
  it('what a merge with conflicts made can still be compared with', async () => {
    git(tree, 'branch', 'theirs', 'main');
    write('tracked', 'ours\n');
    commit('Ours');
    git(tree, 'checkout', '-q', 'theirs');
    write('tracked', 'theirs\n');
    commit('Theirs');
    git(tree, 'checkout', '-q', 'b');
    attempt('merge', 'theirs');
    write('tracked', 'half\n');
    const before = git(tree, 'diff', 'AUTO_MERGE');
    await roundTrip();
    expect(git(tree, 'diff', 'AUTO_MERGE')).toBe(before);
  });
  it('a file renamed to another case comes back, where git is told to ignore case', async () => {
    git(repo, 'config', 'core.ignorecase', 'true');
    fs.renameSync(path.join(tree, 'tracked'), path.join(tree, 'Tracked'));
    fs.appendFileSync(path.join(tree, 'Tracked'), 'more\n');
    write('OTHER', 'twin\n');
    await roundTrip();
  });
  it('a bisect goes on', async () => {
    for (const name of ['1', '2', '3', '4']) {
      write(name);
      commit(name);
    }
    git(tree, 'bisect', 'start', 'HEAD', 'HEAD~4');
    await roundTrip();
    expect(git(tree, 'bisect', 'log')).toContain('git bisect start');
    expect(git(tree, 'bisect', 'good')).toContain('Bisecting');
  });
  it('nested repositories as files, with their commits as parents', async () => {
    const nested = path.join(tree, 'nested');
    makeRepository(nested);
    write('nested/extra', 'not committed\n');
    write('nested/.gitignore', '*.log\n');
    const inner = git(nested, 'rev-parse', 'HEAD').trim();
    const files = listing();
    const { commit: stored } = await keeper.store(subject, await keeper.look(subject));
    expect(git(repo, 'rev-list', stored)).toContain(inner);
    keeper.deleteFolder(tree);
    git(repo, 'worktree', 'prune');
    const [snapshot] = await keeper.listSnapshots(subject.commonDir);
    git(repo, 'worktree', 'add', '-q', '--no-checkout', '--detach', tree, stored);
    const plan = await keeper.planRestore(subject.commonDir, snapshot!, undefined);
    await keeper.restore(keeper.findMetadata(subject.commonDir, tree)!, tree, snapshot!, plan);
    expect(listing()).toEqual(files);
    expect(snapshot!.message.nested).toMatchObject([{ path: 'nested', head: inner }]);
  });
});

describe('a branch is never moved back', () => {
  it('one that went on is refused, and comes back under another name', async () => {
    write('x');
    await keeper.store(subject, await keeper.look(subject));
    commit('Went on');
    const [snapshot] = await keeper.listSnapshots(subject.commonDir);
    await expect(keeper.planRestore(subject.commonDir, snapshot!, undefined)).rejects.toMatchObject({
      code: 'branch_moved',
      exitCode: 4,
    });
    const plan = await keeper.planRestore(subject.commonDir, snapshot!, 'again');
    expect(plan).toMatchObject({ branch: 'again', headRef: 'refs/heads/again' });
  });
});

describe('a snapshot that somebody else made', () => {
  const plant = (message: string, treeish = 'main^{tree}'): string => {
    const planted = git(repo, 'commit-tree', treeish, '-p', 'main', '-m', message).trim();
    git(repo, 'update-ref', 'refs/headjack/snapshots/bbbbbbbb-1', planted);
    return planted;
  };
  const message = (change: Record<string, unknown>): string =>
    JSON.stringify({ schema: 1, instance: 'bbbbbbbb', branch: 'b', head: null, detached: false, ...change });
  it.each([
    'no JSON',
    '{}',
    JSON.stringify({ schema: 1, instance: '../../x', branch: 'b', head: null, detached: false }),
    JSON.stringify({
      schema: 1,
      instance: 'bbbbbbbb',
      branch: '--upload-pack=x',
      head: null,
      detached: false,
    }),
    JSON.stringify({ schema: 1, instance: 'bbbbbbbb', branch: 'b', head: '--help', detached: false }),
    JSON.stringify({
      schema: 1,
      instance: 'bbbbbbbb',
      branch: 'b',
      head: null,
      detached: false,
      refs: { 'refs/heads/main': '0'.repeat(40) },
    }),
  ])('is no snapshot: %s', async text => {
    plant(text);
    expect(await keeper.listSnapshots(subject.commonDir)).toEqual([]);
  });
  it('cannot write outside the worktree, into .git or through a link', async () => {
    const blob = execFileSync('git', ['hash-object', '-w', '--stdin'], { cwd: repo, input: 'evil' })
      .toString()
      .trim();
    const link = execFileSync('git', ['hash-object', '-w', '--stdin'], { cwd: repo, input: folder })
      .toString()
      .trim();
    const raw = (entries: readonly (readonly [mode: string, name: string, object: string])[]): string =>
      execFileSync('git', ['hash-object', '-w', '-t', 'tree', '--stdin', '--literally'], {
        cwd: repo,
        input: Buffer.concat(
          entries.flatMap(([mode, name, object]) => [
            Buffer.from(`${mode} ${name}\0`),
            Buffer.from(object, 'hex'),
          ]),
        ),
      })
        .toString()
        .trim();
    const inside = raw([['100644', 'planted', blob]]);
    for (const [name, treeish] of [
      ['dots', raw([['40000', '..', inside]])],
      ['git', raw([['40000', '.git', inside]])],
      ['case', raw([['40000', '.GIT', inside]])],
      ['short', raw([['40000', 'git~1', inside]])],
      [
        'link',
        raw([
          ['120000', 'a', link],
          ['40000', 'a', inside],
        ]),
      ],
    ] as const) {
      const planted = plant(message({ head: git(repo, 'rev-parse', 'b').trim() }), treeish);
      const [snapshot] = await keeper.listSnapshots(subject.commonDir);
      const place = path.join(folder, 'trees', name);
      git(repo, 'worktree', 'add', '-q', '--no-checkout', '--detach', place, 'main');
      const metadata = keeper.findMetadata(subject.commonDir, place)!;
      const plan = await keeper.planRestore(subject.commonDir, snapshot!, `as-${name}`);
      await expect(keeper.restore(metadata, place, snapshot!, plan), name).rejects.toThrow();
      expect(planted).toMatch(/^[0-9a-f]+$/);
      expect(execFileSync('find', [folder, '-name', 'planted']).toString(), name).toBe('');
    }
  });
});

it('100,000 untracked files are stored and come back', async () => {
  for (let i = 0; i < 100; i++) {
    const place = path.join(tree, `many/${i}`);
    fs.mkdirSync(place, { recursive: true });
    for (let j = 0; j < 1000; j++) fs.writeFileSync(path.join(place, `f${j}`), `${i * 1000 + j}\n`);
  }
  const { commit: stored } = await keeper.store(subject, await keeper.look(subject));
  expect(git(repo, 'ls-tree', '--name-only', `${stored}:many`).split('\n')).toHaveLength(101);
  keeper.deleteFolder(tree);
  git(repo, 'worktree', 'prune');
  git(repo, 'worktree', 'add', '-q', '--no-checkout', '--detach', tree, stored);
  const [snapshot] = await keeper.listSnapshots(subject.commonDir);
  const plan = await keeper.planRestore(subject.commonDir, snapshot!, undefined);
  await keeper.restore(keeper.findMetadata(subject.commonDir, tree)!, tree, snapshot!, plan);
  expect(Object.keys(listing()).filter(name => name.startsWith('many/'))).toHaveLength(100_000);
});

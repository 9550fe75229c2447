import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWorktreeKeeper } from '../../../src/git/keeper.ts';
import type { Look, WorktreeSubject } from '../../../src/git/look.ts';
import { git, makeFolder, makeRepository } from '../../support/sandbox.ts';

let folder: string;
let repo: string;
let tree: string;
let subject: WorktreeSubject;
const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };
const keeper = createWorktreeKeeper(env);

beforeEach(() => {
  folder = makeFolder();
  repo = path.join(folder, 'repo');
  tree = path.join(folder, 'trees', 'b');
  makeRepository(repo);
  fs.writeFileSync(path.join(repo, '.gitignore'), 'ignored/\n');
  fs.writeFileSync(path.join(repo, 'tracked'), 'tracked\n');
  git(repo, 'add', '.');
  git(repo, 'commit', '-qm', 'Second');
  git(repo, 'worktree', 'add', '-q', '-b', 'b', tree);
  git(repo, 'worktree', 'lock', '--reason', 'headjack aaaaaaaa', tree);
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
  fs.rmSync(folder, { recursive: true, force: true });
});

const write = (name: string, text = 'x\n', base = tree): void => {
  fs.mkdirSync(path.dirname(path.join(base, name)), { recursive: true });
  fs.writeFileSync(path.join(base, name), text);
};
const look = (change: Partial<WorktreeSubject> = {}): Promise<Look> => keeper.look({ ...subject, ...change });
const commit = (message: string, at = tree): string => {
  git(at, 'add', '-A');
  git(at, 'commit', '-qm', message);
  return git(at, 'rev-parse', 'HEAD').trim();
};

describe('a clean worktree has nothing to lose', () => {
  it.each<[string, () => void]>([
    ['as it was made', () => undefined],
    [
      'with ignored files',
      () => {
        write('ignored/a');
      },
    ],
    [
      'with commits on its branch, which stays',
      () => {
        write('tracked', 'y');
        commit('Work');
      },
    ],
    [
      'with a touched file',
      () => {
        fs.utimesSync(path.join(tree, 'tracked'), 1, 1);
      },
    ],
    [
      'with a FIFO and a socket',
      () => {
        execFileSync('/usr/bin/mkfifo', [path.join(tree, 'fifo')]);
      },
    ],
    [
      'with a sparse checkout',
      () => {
        git(tree, 'sparse-checkout', 'set', 'nothing');
      },
    ],
    [
      'with another branch checked out',
      () => {
        git(tree, 'switch', '-qc', 'other');
        write('n');
        commit('Other');
      },
    ],
  ])('%s', async (_, prepare) => {
    prepare();
    expect((await look()).reasons).toEqual([]);
  });
});

describe('work is found', () => {
  it.each<[string, () => void, RegExp, Partial<WorktreeSubject>?]>([
    [
      'a changed file',
      () => {
        write('tracked', 'changed\n');
      },
      /^uncommitted: tracked$/,
    ],
    [
      'a changed file of the same size and time',
      () => {
        const { atime, mtime } = fs.statSync(path.join(tree, 'tracked'));
        write('tracked', 'TRACKED\n');
        fs.utimesSync(path.join(tree, 'tracked'), atime, mtime);
      },
      /uncommitted: tracked/,
    ],
    [
      'a deleted file',
      () => {
        fs.rmSync(path.join(tree, 'tracked'));
      },
      /uncommitted: tracked/,
    ],
    [
      'a staged file that is gone again',
      () => {
        write('s');
        git(tree, 'add', 's');
        fs.rmSync(path.join(tree, 's'));
      },
      /uncommitted: s/,
    ],
    [
      'an untracked file',
      () => {
        write('deep/new');
      },
      /^untracked: deep\/new$/,
    ],
    [
      'an untracked file that status is told to hide',
      () => {
        git(repo, 'config', 'status.showUntrackedFiles', 'no');
        write('new');
      },
      /untracked: new/,
    ],
    [
      'a file with a newline and bytes that are no UTF-8',
      () => {
        fs.writeFileSync(Buffer.concat([Buffer.from(`${tree}/a\nb`), Buffer.from([0xff])]), 'x');
      },
      /untracked: a\\x0ab/,
    ],
    [
      'a change behind assume-unchanged',
      () => {
        git(tree, 'update-index', '--assume-unchanged', 'tracked');
        write('tracked', 'hidden');
      },
      /uncommitted: tracked/,
    ],
    [
      'a change behind skip-worktree',
      () => {
        git(tree, 'update-index', '--skip-worktree', 'tracked');
        write('tracked', 'hidden');
      },
      /uncommitted: tracked/,
    ],
    [
      'an intent to add',
      () => {
        write('later');
        git(tree, 'add', '-N', 'later');
      },
      /uncommitted: later/,
    ],
    [
      'a mode',
      () => {
        fs.chmodSync(path.join(tree, 'tracked'), 0o755);
      },
      /uncommitted: tracked/,
    ],
    [
      "a link in a file's place",
      () => {
        fs.rmSync(path.join(tree, 'tracked'));
        fs.symlinkSync('/etc/passwd', path.join(tree, 'tracked'));
      },
      /uncommitted: tracked/,
    ],
    [
      'commits of a detached HEAD',
      () => {
        git(tree, 'checkout', '-q', '--detach');
        write('d');
        commit('Detached');
      },
      /^1 commit of the detached HEAD/,
    ],
    [
      'the branch with -D',
      () => {
        write('d');
        commit('Only here');
      },
      /^1 commit of branch b on no other/,
      { deleteBranch: true },
    ],
    [
      'a merge',
      () => {
        write('tracked', 'ours\n');
        commit('Ours');
        git(tree, 'branch', 'theirs', 'main');
        git(tree, 'checkout', '-q', 'theirs');
        write('tracked', 'theirs\n');
        commit('Theirs');
        git(tree, 'checkout', '-q', 'b');
        try {
          git(tree, 'merge', 'theirs');
        } catch {
          /* the conflict is what is wanted */
        }
      },
      /a merge is not finished/,
    ],
    [
      'a bisect',
      () => {
        git(tree, 'bisect', 'start');
      },
      /a bisect is not finished/,
    ],
    ...(
      [
        [
          'a cherry-pick of several of which only the list is left',
          'sequencer/todo',
          /several commits is not/,
        ],
        ['a revert', 'REVERT_HEAD', /a revert is not finished/],
        ['patches that are being applied', 'rebase-apply/next', /a rebase or am is not finished/],
        ['a message of a merge alone', 'MERGE_MSG', /a merge is not finished/],
        ['what a merge made alone', 'AUTO_MERGE', /a merge is not finished/],
        ['a merge of notes', 'NOTES_MERGE_PARTIAL', /a merge of notes is not finished/],
        ['a squash merge', 'SQUASH_MSG', /a squash merge is not finished/],
        ['terms of a bisect alone', 'BISECT_TERMS', /a bisect is not finished/],
      ] as const
    ).map(([name, file, reason]): [string, () => void, RegExp] => [
      name,
      () => {
        write(file, 'x\n', path.join(repo, '.git/worktrees/b'));
      },
      reason,
    ]),
    [
      'a file whose name differs from a tracked one by case only, where git is told to ignore case',
      () => {
        git(repo, 'config', 'core.ignorecase', 'true');
        write('TRACKED', 'another file\n');
      },
      /^untracked: TRACKED$/,
    ],
    [
      'a tracked file that was renamed to another case and changed',
      () => {
        git(repo, 'config', 'core.ignorecase', 'true');
        fs.renameSync(path.join(tree, 'tracked'), path.join(tree, 'Tracked'));
        fs.appendFileSync(path.join(tree, 'Tracked'), 'more\n');
      },
      /^untracked: Tracked$/,
    ],
    [
      'a name that another way to write its letters has, where git is told to compose them',
      () => {
        git(repo, 'config', 'core.precomposeunicode', 'true');
        write('caf\u00e9');
        commit('Composed');
        write('cafe\u0301', 'decomposed\n');
      },
      /^untracked: cafe\u0301$/,
    ],
    [
      "a ref of the worktree's own",
      () => {
        git(tree, 'checkout', '-q', '--detach');
        write('w');
        const c = commit('W');
        git(tree, 'update-ref', 'refs/worktree/keep', c);
        git(tree, 'checkout', '-q', 'b');
      },
      /of refs\/worktree\/keep/,
    ],
    [
      'a lock that is not ours',
      () => {
        git(repo, 'worktree', 'unlock', tree);
        git(repo, 'worktree', 'lock', '--reason', 'mine', tree);
      },
      /locked by somebody else: mine/,
    ],
    [
      'a nested repository without a remote',
      () => {
        makeRepository(path.join(tree, 'nested'));
      },
      /repository nested inside has commits that none/,
    ],
    [
      'a nested repository in an ignored folder',
      () => {
        makeRepository(path.join(tree, 'ignored/deep'));
      },
      /repository ignored\/deep inside has commits/,
    ],
    [
      'a change in a clone',
      () => {
        git(tree, 'clone', '-q', repo, 'clone');
        write('clone/tracked', 'changed');
      },
      /repository clone inside has uncommitted/,
    ],
  ])('%s', async (_, prepare, reason, change = {}) => {
    prepare();
    const found = await look(change);
    expect(found.reasons.join('\n')).toMatch(new RegExp(reason.source, 'm'));
    expect(found.unknown).toBe(false);
  });
  it('a clone whose commits its remote has is no work', async () => {
    git(tree, 'clone', '-q', repo, 'ignored/clone');
    expect((await look()).reasons).toEqual([]);
  });
  it('with -D a symbolic ref to the branch is no other branch', async () => {
    write('d');
    commit('Only here');
    git(repo, 'symbolic-ref', 'refs/heads/alias', 'refs/heads/b');
    expect((await look({ deleteBranch: true })).reasons).toHaveLength(1);
    git(repo, 'branch', 'copy', 'b');
    expect((await look({ deleteBranch: true })).reasons).toEqual([]);
  });
});

describe('could not tell', () => {
  it.each<[string, () => void]>([
    [
      '.git is gone',
      () => {
        fs.rmSync(path.join(tree, '.git'));
      },
    ],
    [
      '.git names other metadata',
      () => {
        fs.writeFileSync(path.join(tree, '.git'), `gitdir: ${repo}/.git\n`);
      },
    ],
    [
      '.git is a folder of its own',
      () => {
        fs.rmSync(path.join(tree, '.git'));
        git(tree, 'init', '-q');
      },
    ],
    [
      "a link stands in the folder's place",
      () => {
        fs.renameSync(tree, `${tree}-moved`);
        fs.symlinkSync(`${tree}-moved`, tree);
      },
    ],
    [
      'git forgot the worktree',
      () => {
        git(repo, 'worktree', 'unlock', tree);
        fs.rmSync(path.join(repo, '.git/worktrees'), { recursive: true });
      },
    ],
    [
      'core.worktree is set',
      () => {
        fs.writeFileSync(path.join(repo, '.git/worktrees/b/config.worktree'), '[core]\n\tworktree = /\n');
      },
    ],
    [
      'the index is damaged',
      () => {
        fs.writeFileSync(path.join(repo, '.git/worktrees/b/index'), 'garbage');
      },
    ],
  ])('%s', async (_, prepare) => {
    prepare();
    const found = await look();
    expect(found.unknown).toBe(true);
    expect(found.reasons[0]).toMatch(/^could not tell: /);
  });
  it('another worktree inside is refused, ignored or not', async () => {
    git(repo, 'worktree', 'add', '-q', '-b', 'inner', path.join(tree, 'ignored/inner'));
    await expect(look()).rejects.toMatchObject({ code: 'worktree_nested', exitCode: 4 });
  });
  it('a git that works there is waited for', async () => {
    fs.writeFileSync(path.join(repo, '.git/worktrees/b/index.lock'), '');
    await expect(look()).rejects.toMatchObject({ code: 'busy', exitCode: 4 });
  });
  it('a worktree that is gone is judged by its metadata', async () => {
    git(tree, 'checkout', '-q', '--detach');
    write('x');
    commit('Detached');
    fs.rmSync(tree, { recursive: true });
    expect((await look()).reasons[0]).toMatch(/1 commit of the detached HEAD/);
  });
});

it('looking runs nothing of the repository, and writes nothing', async () => {
  const trap = path.join(folder, 'trapped');
  const script = path.join(folder, 'trap.sh');
  fs.writeFileSync(script, `#!/bin/sh\ntouch ${trap}\ncat\n`, { mode: 0o755 });
  for (const [key, value] of [
    ['core.fsmonitor', script],
    ['filter.evil.clean', script],
    ['filter.evil.smudge', script],
    ['filter.evil.process', script],
    ['diff.evil.textconv', script],
    ['diff.external', script],
    ['core.sshCommand', script],
    ['core.pager', script],
  ]) {
    git(repo, 'config', key!, value!);
  }
  for (const hook of ['post-checkout', 'post-index-change', 'reference-transaction', 'pre-auto-gc'])
    fs.writeFileSync(path.join(repo, '.git/hooks', hook), `#!/bin/sh\ntouch ${trap}\n`, { mode: 0o755 });
  fs.writeFileSync(path.join(tree, '.gitattributes'), '* filter=evil diff=evil\n');
  write('tracked', 'changed');
  write('new');
  const nested = path.join(tree, 'nested');
  makeRepository(nested);
  git(nested, 'config', 'core.fsmonitor', script);
  git(nested, 'config', 'filter.evil.clean', script);
  const before = execFileSync('find', [repo, tree, '-printf', '%p %s %T@\n'], { encoding: 'utf8' });
  const found = await look();
  expect(found.reasons.length).toBeGreaterThan(1);
  expect(execFileSync('find', [repo, tree, '-printf', '%p %s %T@\n'], { encoding: 'utf8' })).toBe(before);
  await keeper.store(subject, found);
  expect(fs.existsSync(trap)).toBe(false);
});

describe('a snapshot', () => {
  it('holds tree, index, untracked files, conflict stages and unreachable commits', async () => {
    git(tree, 'checkout', '-q', '--detach');
    write('committed');
    const detached = commit('Detached');
    write('staged', 'staged\n');
    git(tree, 'add', 'staged');
    write('staged', 'then changed\n');
    write('deep/new', 'untracked\n');
    fs.chmodSync(path.join(tree, 'deep/new'), 0o600);
    fs.symlinkSync('nowhere', path.join(tree, 'link'));
    fs.rmSync(path.join(tree, 'tracked'));
    fs.writeFileSync(Buffer.concat([Buffer.from(`${tree}/odd\n`), Buffer.from([0xfe])]), 'odd');
    const snapshot = await keeper.store(subject, await look());
    expect(snapshot.ref).toBe('refs/headjack/snapshots/aaaaaaaa-1');
    const files = git(repo, 'ls-tree', '-r', '--name-only', snapshot.commit);
    expect(files).toContain('deep/new');
    expect(files).toContain('"odd\\n\\376"');
    expect(files).not.toMatch(/^tracked$/m);
    expect(git(repo, 'show', `${snapshot.commit}:staged`)).toBe('then changed\n');
    expect(git(repo, 'show', `${snapshot.commit}^2:staged`)).toBe('staged\n');
    expect(git(repo, 'rev-parse', `${snapshot.commit}^1`).trim()).toBe(detached);
    expect(JSON.parse(git(repo, 'log', '-1', '--format=%B', snapshot.commit))).toMatchObject({
      schema: 1,
      instance: 'aaaaaaaa',
      branch: 'b',
      head: detached,
      detached: true,
      modes: { 'deep/new': '600' },
    });
    expect((await keeper.store(subject, await look())).ref).toBe('refs/headjack/snapshots/aaaaaaaa-2');
    git(repo, 'gc', '-q', '--prune=now');
    git(repo, 'fsck', '--strict');
  });
  it('holds the stages of a conflict and a nested repository with its commits', async () => {
    write('tracked', 'ours\n');
    commit('Ours');
    git(tree, 'branch', 'theirs', 'main');
    git(tree, 'checkout', '-q', 'theirs');
    write('tracked', 'theirs\n');
    commit('Theirs');
    git(tree, 'checkout', '-q', 'b');
    try {
      git(tree, 'merge', 'theirs');
    } catch {
      /* wanted */
    }
    const nested = path.join(tree, 'nested');
    makeRepository(nested);
    write('nested/extra', 'not committed\n');
    const inner = git(nested, 'rev-parse', 'HEAD').trim();
    const snapshot = await keeper.store(subject, await look());
    expect(git(repo, 'ls-tree', '--name-only', `${snapshot.commit}^2`)).toContain('tracked~2');
    expect(git(repo, 'show', `${snapshot.commit}:nested/extra`)).toBe('not committed\n');
    expect(git(repo, 'rev-list', snapshot.commit)).toContain(inner);
    git(repo, 'fsck', '--strict');
  });
  it('of a worktree that is gone holds its commits', async () => {
    git(tree, 'checkout', '-q', '--detach');
    write('x');
    const lost = commit('Detached');
    fs.rmSync(tree, { recursive: true });
    const snapshot = await keeper.store(subject, await look());
    expect(git(repo, 'rev-list', snapshot.commit)).toContain(lost);
  });
  it('of what cannot be read is refused', async () => {
    fs.rmSync(path.join(tree, '.git'));
    await expect(keeper.store(subject, await look())).rejects.toMatchObject({ code: 'unsafe', exitCode: 5 });
  });
});

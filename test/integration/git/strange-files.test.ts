import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { discoverRepository } from '../../../src/git/discover.ts';
import { createWorktreeKeeper } from '../../../src/git/keeper.ts';
import { createSimpleGitRepository } from '../../../src/git/simple-git-repository.ts';
import { git, makeRepository } from '../../support/sandbox.ts';
import { makeWorktree, type WorktreeBox } from '../../support/worktree.ts';

const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };
const keeper = createWorktreeKeeper(env);

/** What a file is replaced by: nothing of it ever ends. */
const kinds: readonly [what: string, put: (file: string) => void][] = [
  ['a FIFO', file => execFileSync('mkfifo', [file])],
  [
    'a link to /dev/zero',
    file => {
      fs.symlinkSync('/dev/zero', file);
    },
  ],
  [
    'a file of a terabyte',
    file => {
      fs.writeFileSync(file, '');
      fs.truncateSync(file, 2 ** 40);
    },
  ],
];
const put = (file: string, how: (file: string) => void): void => {
  fs.rmSync(file, { force: true });
  fs.mkdirSync(path.dirname(file), { recursive: true });
  how(file);
};
/** Each file as a FIFO, the first one as everything. */
const everyKind = (files: readonly string[]): [file: string, what: string, put: (file: string) => void][] =>
  files.flatMap((file, i) =>
    (i === 0 ? kinds : kinds.slice(0, 1)).map(([what, how]): [string, string, typeof how] => [
      file,
      what,
      how,
    ]),
  );

describe('what git would read by its name in a worktree stops the look, not hjk', () => {
  it.each(
    everyKind(['.gitignore', '.gitattributes', '.gitmodules', 'deep/er/.gitignore', 'deep/.gitattributes']),
  )('%s is %s', async (name, _what, how) => {
    using box = makeWorktree();
    put(path.join(box.tree, name), how);
    const look = await keeper.look(box.subject);
    expect(look.unknown).toBe(true);
    expect(look.reasons).toEqual([
      expect.stringMatching(/^could not tell: .*\.git\w+ is (not a regular file|too large)$/),
    ]);
  });
});

describe('a repository inside a worktree with a file that never ends is not read', () => {
  const files = ['HEAD', 'config', 'index', 'packed-refs', 'info/exclude', 'info/attributes', 'commondir'];
  const more = ['refs/heads/main', 'objects/info/alternates', 'objects/pack/pack-1.idx', 'shallow'];
  it.each(
    everyKind([...files, ...more]).filter(
      ([file, what]) => !(/terabyte/.test(what) && /index|refs|pack/.test(file)),
    ),
  )('%s is %s', async (name, _what, how) => {
    using box = makeWorktree();
    const nested = path.join(box.tree, 'nested');
    makeRepository(nested);
    put(path.join(nested, '.git', name), how);
    const look = await keeper.look(box.subject);
    expect(look.reasons).toEqual([expect.stringContaining(`could not tell: ${nested}/.git/${name}`)]);
  });
  it.each(kinds.slice(0, 2))('.git itself is %s', async (_what, how) => {
    using box = makeWorktree();
    put(path.join(box.tree, 'nested/.git'), how);
    const look = await keeper.look(box.subject);
    expect(look.reasons).toEqual([expect.stringContaining('could not tell')]);
  });
});

describe('a repository inside a worktree gives nothing of another one as its own', () => {
  const secret = (box: WorktreeBox): string => {
    const place = path.join(box.folder, 'private');
    makeRepository(place);
    return place;
  };
  it.each<[string, (nested: string, other: string) => void]>([
    [
      'alternates',
      (nested, other) => {
        fs.writeFileSync(path.join(nested, '.git/objects/info/alternates'), `${other}/.git/objects\n`);
      },
    ],
    [
      'commondir',
      (nested, other) => {
        fs.writeFileSync(path.join(nested, '.git/commondir'), `${other}/.git\n`);
      },
    ],
    [
      'a ref that is a link',
      (nested, other) => {
        fs.symlinkSync(`${other}/.git/refs/heads/main`, path.join(nested, '.git/refs/heads/x'));
      },
    ],
    [
      'a folder of objects that is a link',
      (nested, other) => {
        fs.symlinkSync(`${other}/.git/objects`, path.join(nested, '.git/objects/aa'));
      },
    ],
    [
      'a file .git',
      (nested, other) => {
        fs.rmSync(path.join(nested, '.git'), { recursive: true });
        fs.writeFileSync(path.join(nested, '.git'), `gitdir: ${other}/.git\n`);
      },
    ],
    [
      'a link .git',
      (nested, other) => {
        fs.rmSync(path.join(nested, '.git'), { recursive: true });
        fs.symlinkSync(`${other}/.git`, path.join(nested, '.git'));
      },
    ],
  ])('by %s', async (_what, borrow) => {
    using box = makeWorktree();
    const nested = path.join(box.tree, 'nested');
    makeRepository(nested);
    borrow(nested, secret(box));
    const look = await keeper.look(box.subject);
    expect(look.unknown).toBe(true);
    expect(look.reasons).toEqual([expect.stringMatching(/elsewhere|another repository|neither/)]);
  });

  it('but may borrow from its own worktree and repository', async () => {
    using box = makeWorktree();
    git(box.tree, 'clone', '-q', '--shared', box.repo, 'nested');
    expect((await keeper.look(box.subject)).unknown).toBe(false);
  });
});

describe('the metadata of one worktree keeps no verb on another waiting', () => {
  it.each(everyKind(['locked', 'HEAD', 'gitdir', 'commondir', 'config.worktree']))(
    '%s is %s',
    async (name, _what, how) => {
      using box = makeWorktree();
      put(path.join(box.repo, '.git/worktrees/b', name), how);
      const repository = createSimpleGitRepository(discoverRepository(box.repo)!, env);
      await expect(repository.requireNotCheckedOut('main', box.tree)).rejects.toMatchObject({
        code: 'git_failed',
        message: expect.stringContaining(`/worktrees/b/${name} is`) as string,
      });
      expect((await keeper.look(box.subject)).unknown).toBe(true);
      keeper.listWorktrees(box.subject.commonDir);
    },
  );

  it('a lock that is no file is somebody else’s', () => {
    using box = makeWorktree();
    put(path.join(box.repo, '.git/worktrees/b/locked'), file => execFileSync('mkfifo', [file]));
    expect(keeper.findMetadata(box.subject.commonDir, box.tree)!.lock).toMatch(/not a regular file$/);
  });
});

it('a socket in a git directory, as fsmonitor has one, is in nobody’s way', async () => {
  using box = makeWorktree();
  const server = net.createServer().listen(path.join(box.repo, '.git/worktrees/b/fsmonitor--daemon.ipc'));
  await once(server, 'listening');
  expect((await keeper.look(box.subject)).reasons).toEqual([]);
  server.close();
});

it('a configuration that includes a file that never ends: of a nested repository it is not read', async () => {
  using box = makeWorktree();
  const nested = path.join(box.tree, 'nested');
  makeRepository(nested);
  execFileSync('mkfifo', [path.join(box.tree, 'more')]);
  git(nested, 'config', 'include.path', '../../more');
  const look = await keeper.look(box.subject);
  expect(look.reasons).toEqual(['repository nested inside has commits that none of its remotes has']);
});

it('a git that waits is ended after its time', async () => {
  using box = makeWorktree();
  execFileSync('mkfifo', [path.join(box.folder, 'more')]);
  git(box.repo, 'config', 'include.path', path.join(box.folder, 'more'));
  await expect(keeper.look(box.subject)).rejects.toMatchObject({
    code: 'git_failed',
    message: expect.stringMatching(/^git config .* did not end within/) as string,
  });
});

it('a repository in a folder whose name is not UTF-8 cannot be told: no program can be led there', async () => {
  using box = makeWorktree();
  const folder = Buffer.concat([Buffer.from(`${box.tree}/deep-`), Buffer.from([0xff, 0xfe, 0x80])]);
  fs.mkdirSync(folder);
  execFileSync('git', ['init', '-q', path.join(box.tree, 'inner')]);
  fs.renameSync(path.join(box.tree, 'inner'), Buffer.concat([folder, Buffer.from('/inner')]));
  const look = await keeper.look(box.subject);
  expect(look.unknown).toBe(true);
  expect(look.reasons).toEqual([
    expect.stringMatching(/could not tell: .*inner is a repository, and its name/),
  ]);
});

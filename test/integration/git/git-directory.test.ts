import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { discoverRepository } from '../../../src/git/discover.ts';
import { findMetadata } from '../../../src/git/metadata.ts';
import { makeGitDirectory } from '../../../src/git-directory/make.ts';
import { gitDirectoryPlaces } from '../../../src/git-directory/places.ts';
import { git, makeFolder, makeRepository, runProgram } from '../../support/sandbox.ts';

interface Place extends Disposable {
  readonly folder: string;
  readonly repository: string;
  readonly worktree: string;
  readonly common: string;
  readonly metadata: string;
  readonly directory: string;
  make(copyHooks?: boolean): Promise<unknown>;
  /** What git of the container sees, tried on the host. */
  inside(...args: string[]): string;
}

function makePlace(prepare: (folder: string, repository: string) => void = () => undefined): Place {
  const folder = makeFolder();
  const repository = path.join(folder, 'project');
  makeRepository(repository);
  prepare(folder, repository);
  const worktree = path.join(folder, 'tree');
  git(repository, 'worktree', 'add', '-q', '-b', 'feat/x', worktree);
  const found = discoverRepository(repository)!;
  const metadata = findMetadata(found.commonDir, worktree)!.folder;
  const instanceFolder = path.join(folder, 'instance');
  const { directory } = gitDirectoryPlaces(instanceFolder);
  return {
    folder,
    repository,
    worktree,
    common: found.commonDir,
    metadata,
    directory,
    make: (copyHooks = false) =>
      makeGitDirectory(
        { repository: found, metadata, branch: 'feat/x', instanceFolder, copyHooks },
        { PATH: process.env['PATH'], HOME: folder },
      ),
    inside: (...args) => git(worktree, `--git-dir=${directory}`, `--work-tree=${worktree}`, ...args),
    [Symbol.dispose]: () => {
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Both sides see the same: refs, HEAD, a clean tree, whole history. */
function expectAlike(at: Place): void {
  const list = ['for-each-ref', '--format=%(refname) %(objectname) %(symref) %(*objectname)'];
  // the host's branches are there once more, as those of a remote
  const found = at.inside(...list).replaceAll(/^refs\/remotes\/host\/.*\n/gm, '');
  expect(found).toBe(git(at.worktree, ...list));
  expect(at.inside('symbolic-ref', 'HEAD')).toBe('refs/heads/feat/x\n');
  expect(at.inside('status', '--porcelain')).toBe(git(at.worktree, 'status', '--porcelain'));
  expect(at.inside('log', '--format=%H')).toBe(git(at.worktree, 'log', '--format=%H'));
  at.inside('fsck', '--connectivity-only');
}

describe('the git directory of a container, made of the host', () => {
  it('has refs of all kinds, index, reflog of its branch, exclude; not those of hjk and of stashes', async () => {
    using at = makePlace((_, repository) => {
      git(repository, 'tag', 'light');
      git(repository, 'tag', '-a', '-m', 'x', 'heavy');
      git(repository, '-c', 'advice.nestedTag=false', 'tag', '-a', '-m', 'x', 'nested', 'heavy');
      git(repository, 'update-ref', 'refs/remotes/origin/main', 'main');
      git(repository, 'symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main');
      git(repository, 'update-ref', 'refs/notes/commits', 'main');
      git(repository, 'branch', 'ünïcode/b');
      fs.writeFileSync(path.join(repository, '.git/info/exclude'), 'ignored\n');
    });
    fs.writeFileSync(path.join(at.worktree, 'ignored'), '');
    fs.writeFileSync(path.join(at.worktree, 'staged'), 'x');
    git(at.worktree, 'add', 'staged');
    await at.make();
    expectAlike(at);
    expect(at.inside('show-ref', '-d', 'nested').trim().split('\n')[1]).toContain(
      git(at.repository, 'rev-parse', 'main').trim(),
    );
    expect(at.inside('reflog', 'feat/x').trim()).toBe(git(at.worktree, 'reflog', 'feat/x').trim());
    git(at.repository, 'update-ref', 'refs/headjack/snapshots/0-1', 'main');
    fs.appendFileSync(path.join(at.repository, 'README.md'), 'mine');
    git(at.repository, 'stash');
    await at.make();
    expect(at.inside('for-each-ref', 'refs/headjack', 'refs/stash')).toBe('');
    expect(() => at.inside('reflog', 'main', '--exists')).toThrow();
    expect(fs.existsSync(path.join(at.directory, 'logs/refs/heads/main'))).toBe(false);
    expect(fs.statSync(at.directory).mode & 0o777).toBe(0o700);
  });

  it('of a sha256, shallow, partial, borrowing or sparse repository works', async () => {
    const kinds: Record<string, (folder: string, repository: string) => void> = {
      sha256: (_, repository) => {
        fs.rmSync(repository, { recursive: true });
        git(path.dirname(repository), 'init', '-q', '--object-format=sha256', '-b', 'main', repository);
        git(repository, 'commit', '-q', '--allow-empty', '-m', 'x');
        git(repository, 'tag', '-a', '-m', 'x', 'heavy');
      },
      shallow: (folder, repository) => {
        git(repository, 'commit', '-q', '--allow-empty', '-m', 'two');
        fs.renameSync(repository, path.join(folder, 'origin'));
        git(folder, 'clone', '-q', '--depth', '1', `file://${folder}/origin`, repository);
      },
      partial: (folder, repository) => {
        git(repository, 'config', 'uploadpack.allowFilter', 'true');
        fs.renameSync(repository, path.join(folder, 'origin'));
        git(folder, 'clone', '-q', '--filter=blob:none', `file://${folder}/origin`, repository);
      },
      borrowing: (folder, repository) => {
        fs.renameSync(repository, path.join(folder, 'lender'));
        git(folder, 'clone', '-q', '--shared', path.join(folder, 'lender'), repository);
      },
      sparse: (_, repository) => {
        fs.mkdirSync(path.join(repository, 'deep'));
        fs.writeFileSync(path.join(repository, 'deep/file'), 'x');
        git(repository, 'add', '.');
        git(repository, 'commit', '-qm', 'deep');
      },
    };
    for (const [kind, prepare] of Object.entries(kinds)) {
      using at = makePlace(prepare);
      if (kind === 'sparse') {
        git(at.worktree, 'sparse-checkout', 'set', '--cone', 'nothing');
        expect(fs.existsSync(path.join(at.worktree, 'deep'))).toBe(false);
      }
      await at.make();
      expectAlike(at);
      at.inside('commit', '-q', '--allow-empty', '-m', 'made inside');
      expect(at.inside('rev-parse', 'HEAD')).not.toBe(git(at.worktree, 'rev-parse', 'HEAD'));
      if (kind === 'sparse') expect(at.inside('sparse-checkout', 'list')).toBe('nothing\n');
      if (kind === 'shallow') at.inside('fetch', '-q', '--unshallow');
      if (kind === 'partial') expect(at.inside('config', 'remote.origin.promisor')).toBe('true\n');
    }
  });

  it('has what is in progress, and HEAD where it is detached', async () => {
    using at = makePlace();
    fs.writeFileSync(path.join(at.worktree, 'README.md'), 'one');
    git(at.worktree, 'commit', '-qam', 'one');
    git(at.repository, 'checkout', '-q', '-b', 'other');
    fs.writeFileSync(path.join(at.repository, 'README.md'), 'two');
    git(at.repository, 'commit', '-qam', 'two');
    expect(() => git(at.worktree, 'rebase', 'other')).toThrow();
    await at.make();
    expect(at.inside('status')).toContain('rebase in progress');
    fs.writeFileSync(path.join(at.worktree, 'README.md'), 'both');
    at.inside('add', 'README.md');
    at.inside('-c', 'core.editor=true', 'rebase', '--continue');
    expect(at.inside('log', '--format=%s', 'feat/x')).toBe('one\ntwo\nFirst commit\n');
  });

  it('takes over what the repository says, not what leads to the host, whatever characters it has', async () => {
    using at = makePlace();
    const odd = 'a "b" \\ \t;#\nc ';
    const set: Record<string, string> = {
      'filter.up.clean': 'tr a-z A-Z',
      'filter.a=b.smudge': 'cat',
      'branch.feat/x.merge': 'refs/heads/feat/x',
      'branch.we"ird.remote': 'origin',
      'user.name': odd,
      'remote.near.url': '../near.git',
      'remote.far.url': 'git@example.invalid:x.git',
      'alias.st': 'status',
      'core.hooksPath': '.husky/_',
    };
    const not: Record<string, string> = {
      'core.sshCommand': 'ssh -i /home/you/key',
      'core.fsmonitor': '/bin/false',
      'core.editor': 'vi',
      'core.worktree': '/somewhere',
      'core.excludesFile': '/home/you/.gitignore',
      'http.https://example.invalid.extraHeader': 'AUTHORIZATION: basic secret',
      'credential.helper': 'store',
      'commit.gpgSign': 'true',
      'gpg.program': '/bin/false',
      'remote.far.uploadpack': '/bin/false',
      'diff.external': '/bin/false',
      'submodule.x.update': '!false',
      'include.path': '/home/you/more',
    };
    for (const [key, value] of Object.entries({ ...set, ...not })) git(at.repository, 'config', key, value);
    fs.appendFileSync(path.join(at.common, 'config'), '[core]\n\tprecomposeunicode\n');
    await at.make();
    const own = ['config', '--file', path.join(at.directory, 'config')];
    for (const [key, value] of Object.entries(set))
      expect(git(at.folder, ...own, key), key).toBe(
        `${key === 'remote.near.url' ? path.join(at.folder, 'near.git') : value}\n`,
      );
    for (const key of Object.keys(not)) expect(() => git(at.folder, ...own, key), key).toThrow();
    expect(git(at.folder, ...own, '--type=bool', 'core.precomposeunicode')).toBe('true\n');
    expect(fs.readFileSync(path.join(at.directory, 'config'), 'utf8')).not.toContain('secret');
  });

  it("has the user's hooks only where they are asked for", async () => {
    using at = makePlace();
    fs.mkdirSync(path.join(at.common, 'hooks'), { recursive: true });
    fs.writeFileSync(path.join(at.common, 'hooks/pre-commit'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    await at.make();
    at.inside('commit', '-q', '--allow-empty', '-m', 'no hook');
    await at.make(true);
    expect(() => at.inside('commit', '-q', '--allow-empty', '-m', 'refused')).toThrow();
  });

  it('follows no link and waits for no FIFO that programs in an older container put there', async () => {
    using at = makePlace();
    const secret = path.join(at.folder, 'secret');
    fs.writeFileSync(secret, 'secret\n');
    const links = ['MERGE_MSG', 'info/sparse-checkout', 'logs/HEAD', 'rebase-merge', 'sharedindex.00'];
    for (const name of links) {
      fs.rmSync(path.join(at.metadata, name), { force: true });
      fs.mkdirSync(path.dirname(path.join(at.metadata, name)), { recursive: true });
      fs.symlinkSync(name === 'rebase-merge' ? at.folder : secret, path.join(at.metadata, name));
    }
    for (const file of [path.join(at.common, 'info/exclude'), path.join(at.metadata, 'ORIG_HEAD')])
      fs.rmSync(file, { force: true });
    execFileSync('mkfifo', [path.join(at.common, 'info/exclude'), path.join(at.metadata, 'ORIG_HEAD')]);
    fs.symlinkSync('/dev/zero', path.join(at.common, 'shallow.lock'));
    // a folder above the file: the branch's reflog would be the secret
    fs.rmSync(path.join(at.common, 'logs/refs/heads'), { recursive: true });
    fs.mkdirSync(path.join(at.folder, 'keys/feat'), { recursive: true });
    fs.writeFileSync(path.join(at.folder, 'keys/feat/x'), 'secret\n');
    fs.symlinkSync(path.join(at.folder, 'keys'), path.join(at.common, 'logs/refs/heads'));
    await at.make();
    const found = await runProgram('grep', ['-r', 'secret', at.directory], { cwd: '/', env: process.env });
    expect(found.stdout).toBe('');
    expect(at.inside('status', '--porcelain')).toBe('');
  });

  it('is there whole or not at all, and is made again', async () => {
    using at = makePlace();
    await at.make();
    fs.writeFileSync(path.join(at.directory, 'packed-refs'), 'torn');
    await at.make();
    expectAlike(at);
    fs.rmSync(path.join(at.metadata, 'HEAD'));
    await expect(at.make()).rejects.toThrow();
    expect(fs.readdirSync(path.dirname(at.directory)).sort()).toEqual([
      'bridge.json',
      'bridge.refs',
      'git',
      'git.gitfile',
    ]);
  });
});

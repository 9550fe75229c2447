import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** A repository with one worktree, and what an edit needs to change it. */
export interface World {
  readonly folder: string;
  readonly repo: string;
  /** The worktree. */
  readonly tree: string;
  /** The worktree's metadata. */
  readonly metadata: string;
  /** Bare repositories that stay: remotes of clones and submodules. */
  readonly remote: string;
  /** A number below `n`. */
  pick(n: number): number;
  git(...args: string[]): string;
  at(place: string, ...args: string[]): string;
  write(name: string | Buffer, text?: string | Buffer): void;
}

const who = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'T',
  GIT_AUTHOR_EMAIL: 't@t',
  GIT_COMMITTER_NAME: 'T',
  GIT_COMMITTER_EMAIL: 't@t',
  GIT_EDITOR: 'true',
};

export function runGit(cwd: string, ...args: string[]): string {
  return execFileSync('git', ['-c', 'protocol.file.allow=always', ...args], {
    cwd,
    encoding: 'latin1',
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...who },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 ** 2,
  });
}

/** The same numbers for the same seed (mulberry32). */
export function random(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return n => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

/** Made once: copying it costs less than making it. */
export function makeTemplate(folder: string): string {
  const repo = path.join(folder, 'repo');
  const remote = path.join(folder, 'remote.git');
  for (const place of [repo, remote]) fs.mkdirSync(place, { recursive: true });
  runGit(repo, 'init', '-q', '-b', 'main');
  const files: Record<string, string> = {
    'README.md': '# project\n',
    '.gitignore': 'ignored/\n*.o\nnode_modules/\n.env*\nlocal/\n',
    'a.txt': 'one\ntwo\nthree\n',
    'b.txt': 'b\n',
    'deep/er/file': 'deep\n',
    'deep/other': 'other\n',
    empty: '',
    'crlf.txt': 'a\nb\n',
    'run.sh': '#!/bin/sh\n',
  };
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(repo, name)), { recursive: true });
    fs.writeFileSync(path.join(repo, name), text);
  }
  fs.chmodSync(path.join(repo, 'run.sh'), 0o755);
  fs.symlinkSync('a.txt', path.join(repo, 'link'));
  runGit(repo, 'add', '.');
  runGit(repo, 'commit', '-qm', 'First');
  for (const [branch, text] of [
    ['theirs', 'theirs\ntwo\nthree\n'],
    ['more', 'one\nmore\nthree\n'],
  ] as const) {
    runGit(repo, 'checkout', '-q', '-b', branch, 'main');
    for (const n of [1, 2]) {
      fs.writeFileSync(path.join(repo, 'a.txt'), `${text}${n}\n`);
      runGit(repo, 'commit', '-qam', `${branch} ${n}`);
    }
  }
  runGit(repo, 'checkout', '-q', 'main');
  runGit(remote, 'init', '-q', '--bare', '-b', 'main');
  runGit(repo, 'push', '-q', remote, 'main', 'theirs');
  return folder;
}

export function makeWorld(template: string, folder: string, pick: (n: number) => number): World {
  execFileSync('cp', ['-a', `${template}/.`, folder]);
  const repo = path.join(folder, 'repo');
  const tree = path.join(folder, 'trees', 'b');
  runGit(repo, 'worktree', 'add', '-q', '-b', 'b', tree, 'main');
  return {
    folder,
    repo,
    tree,
    metadata: path.join(repo, '.git/worktrees/b'),
    remote: path.join(folder, 'remote.git'),
    pick,
    git: (...args) => runGit(tree, ...args),
    at: (place, ...args) => runGit(path.join(tree, place), ...args),
    write(name, text = 'x\n') {
      const file = Buffer.concat([Buffer.from(`${tree}/`), Buffer.from(name)]);
      const slash = file.lastIndexOf('/');
      fs.mkdirSync(file.subarray(0, slash), { recursive: true });
      fs.writeFileSync(file, text);
    },
  };
}

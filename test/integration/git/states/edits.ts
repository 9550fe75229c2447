import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { World } from './world.ts';

/** One change of a worktree. Those that do not fit the state that they meet throw, and count as not made. */
export type Edit = (world: World) => void;

const files = ['a.txt', 'b.txt', 'deep/er/file', 'deep/other', 'README.md', 'run.sh'] as const;
const some = (w: World): string => files[w.pick(files.length)]!;
const full = (w: World, name: string): string => path.join(w.tree, name);
const attempt = (action: () => void): void => {
  try {
    action();
  } catch {
    // a conflict is what was wanted
  }
};
const commitFile = (w: World, name: string, at = ''): void => {
  w.write(path.join(at, name), `${name} ${w.pick(1000)}\n`);
  w.at(at, 'add', '-f', name);
  w.at(at, 'commit', '-qm', name);
};

const plain: Record<string, Edit> = {
  'change a file': w => {
    w.write(some(w), `changed ${w.pick(100)}\n`);
  },
  'delete a file': w => {
    fs.rmSync(full(w, some(w)));
  },
  'stage a new file': w => {
    w.write('staged', 'staged\n');
    w.git('add', 'staged');
  },
  'stage a change, then change it again': w => {
    const name = some(w);
    w.write(name, 'staged\n');
    w.git('add', name);
    w.write(name, 'and changed\n');
  },
  'stage a file and delete it': w => {
    w.write('fleeting', 'only in the index\n');
    w.git('add', 'fleeting');
    fs.rmSync(full(w, 'fleeting'));
  },
  'take a file out of the index': w => {
    w.git('rm', '-q', '--cached', some(w));
  },
  'git rm': w => {
    w.git('rm', '-qf', some(w));
  },
  'git mv': w => {
    w.git('mv', some(w), 'moved');
  },
  'new file': w => {
    w.write(`new${w.pick(3)}`, `new ${w.pick(100)}\n`);
  },
  'new file deep down': w => {
    w.write('new/deep/down/file', 'x\n');
  },
  'intent to add': w => {
    w.write('intended', 'not yet\n');
    w.git('add', '-N', 'intended');
  },
  executable: w => {
    fs.chmodSync(full(w, some(w)), 0o755);
  },
  'a mode of its own': w => {
    fs.chmodSync(full(w, some(w)), [0o600, 0o640, 0o664, 0o444, 0o700, 0o777][w.pick(6)]!);
  },
  'a folder with a mode of its own': w => {
    fs.chmodSync(full(w, 'deep'), [0o700, 0o750, 0o775, 0o555][w.pick(4)]!);
  },
  'all modes as under another umask': w => {
    execFileSync('chmod', ['-R', 'g+w', w.tree]);
  },
  links: w => {
    fs.symlinkSync('nowhere', full(w, 'dangling'));
    fs.symlinkSync('.', full(w, 'loop'));
    fs.symlinkSync('/etc/passwd', full(w, 'away'));
  },
  "a link in a file's place": w => {
    const name = some(w);
    fs.rmSync(full(w, name));
    fs.symlinkSync('elsewhere', full(w, name));
  },
  "a link in a folder's place": w => {
    fs.renameSync(full(w, 'deep'), full(w, 'renamed'));
    fs.symlinkSync('renamed', full(w, 'deep'));
  },
  "a file in a link's place": w => {
    fs.rmSync(full(w, 'link'));
    w.write('link', 'a file now\n');
  },
  "a folder in a file's place": w => {
    fs.rmSync(full(w, 'b.txt'));
    w.write('b.txt/inside', 'x\n');
  },
  "a file in a folder's place": w => {
    fs.rmSync(full(w, 'deep'), { recursive: true });
    w.write('deep', 'a file\n');
  },
  'empty folders': w => {
    fs.mkdirSync(full(w, 'void/in/void'), { recursive: true });
    fs.mkdirSync(full(w, 'void/beside'), { recursive: true });
  },
  'a FIFO': w => {
    execFileSync('mkfifo', [full(w, 'fifo')]);
  },
  'hard links': w => {
    w.write('hard1', 'one file\n');
    fs.linkSync(full(w, 'hard1'), full(w, 'hard2'));
    fs.linkSync(full(w, some(w)), full(w, 'hard3'));
  },
  'a file of megabytes': w => {
    w.write('large', Buffer.alloc(3 * 1024 ** 2, w.pick(255)));
  },
  'bytes that are no text': w => {
    w.write('binary', Buffer.from(Array.from({ length: 5000 }, () => w.pick(256))));
  },
};

const named =
  (name: string | Buffer): Edit =>
  w => {
    w.write(name, 'a file of that name\n');
  };
const names: Record<string, Edit> = Object.fromEntries(
  (
    [
      'new\nline',
      ' lead',
      'trail ',
      '-dash',
      '"quoted"',
      'tab\t',
      '日本語',
      'back\\slash',
      'a\\.git\\b',
      '.GIT/f',
      '.Git/config',
      '.gIt',
      'git~1/f',
      'GIT~1',
      'git~2',
      '.git /f',
      '.git./f',
      '.git...',
      '.git::$INDEX_ALLOCATION/f',
      '.g\u200cit/f',
      '.git\u200d',
      '\ufeff.git/f',
      'x/.GIT/hooks/f',
      'hjk%x',
      'hjk%%2egit/f',
      'gitmod~1',
      '.gitmodules ',
      'dot.',
      'CON',
      'a:b',
      'a~1',
      'x/.git/note',
      'y/.git',
      'z/.git/HEAD',
      'a.txt~2',
      Buffer.from([0xfe, 0x80, 0x41]),
      Buffer.from([0x64, 0xff, 0x2f, 0x2e, 0x47, 0x49, 0x54]),
      '.gitignore/x',
      ...['.hjk', 'snapshot', '%'],
    ] as const
  ).map(name => [`a file called ${JSON.stringify(name.toString())}`, named(name)]),
);

const gitStates: Record<string, Edit> = {
  'a case twin where case is ignored': w => {
    w.git('config', 'core.ignorecase', 'true');
    w.write('A.TXT', 'twin\n');
    w.write('Deep/er/file', 'twin\n');
  },
  'renamed to another case where case is ignored': w => {
    w.git('config', 'core.ignorecase', 'true');
    fs.renameSync(full(w, 'b.txt'), full(w, 'B.txt'));
  },
  'names in two normal forms': w => {
    w.git('config', 'core.precomposeunicode', 'true');
    w.write('caf\u00e9', 'one\n');
    w.write('cafe\u0301', 'two\n');
  },
  'a link called .gitmodules': w => {
    fs.symlinkSync('elsewhere', full(w, '.gitmodules'));
  },
  'assume-unchanged and changed': w => {
    const name = some(w);
    w.git('update-index', '--assume-unchanged', name);
    w.write(name, 'hidden\n');
  },
  'skip-worktree and changed': w => {
    const name = some(w);
    w.git('update-index', '--skip-worktree', name);
    w.write(name, 'hidden\n');
  },
  'a sparse checkout': w => {
    w.git('sparse-checkout', 'set', '--no-cone', '/a.txt', '/deep');
  },
  'a sparse checkout of cones': w => {
    w.git('sparse-checkout', 'set', '--cone', 'deep/er');
  },
  'line endings that count as equal': w => {
    w.git('add', 'crlf.txt'); // a sparse checkout without it refuses
    w.write('.gitattributes', '*.txt text\n');
    w.write('crlf.txt', 'a\r\nb\r\n');
    w.git('add', 'crlf.txt');
  },
  'attributes that convert': w => {
    w.git('add', 'crlf.txt');
    w.write('.gitattributes', '*.txt text eol=crlf\n*.w working-tree-encoding=UTF-16\n*.i ident\n');
    w.write('y.w', 'plain\n');
    w.write('z.i', '$Id$ and more\n');
    w.write('crlf.txt', 'mixed\r\nlines\n');
  },
  autocrlf: w => {
    w.git('add', 'crlf.txt');
    w.git('config', 'core.autocrlf', 'true');
    w.write('crlf.txt', 'a\r\nb\r\n');
    w.git('add', 'crlf.txt');
  },
  'a filter of the repository': w => {
    w.git('config', 'filter.up.clean', 'tr a-z A-Z');
    w.git('config', 'filter.up.smudge', 'tr A-Z a-z');
    w.write('.gitattributes', '*.f filter=up\n');
    w.write('x.f', 'not changed by it\n');
  },
  'file modes are ignored': w => {
    w.git('config', 'core.filemode', 'false');
    fs.chmodSync(full(w, 'a.txt'), 0o755);
  },
  'a commit on the branch': w => {
    commitFile(w, 'committed');
  },
  'a tracked name that other systems refuse': w => {
    w.write('git~2', 'x\n');
    w.git('add', 'git~2');
    w.git('-c', 'core.protectNTFS=false', 'commit', '-qm', 'Name');
  },
  'a detached HEAD with a commit': w => {
    w.git('checkout', '-q', '--detach');
    commitFile(w, 'detached');
  },
  'another branch': w => {
    w.git('checkout', '-q', '-b', 'else');
    commitFile(w, 'else');
  },
  'a branch without commits': w => {
    w.git('checkout', '-q', '--orphan', 'born');
  },
  'a stash': w => {
    w.write(some(w), 'stashed\n');
    w.git('stash');
  },
  'a merge with conflicts': w => {
    commitFile(w, 'a.txt');
    attempt(() => w.git('merge', 'theirs'));
  },
  'a merge that is not committed': w => {
    w.git('merge', '--no-commit', '--no-ff', 'theirs');
  },
  'a squash merge': w => {
    w.git('merge', '--squash', 'theirs');
  },
  'a cherry-pick of several': w => {
    commitFile(w, 'a.txt');
    attempt(() => w.git('cherry-pick', 'theirs~1', 'theirs'));
  },
  'the rest of a cherry-pick': w => {
    commitFile(w, 'a.txt');
    attempt(() => w.git('cherry-pick', 'theirs~1', 'theirs'));
    w.git('checkout', '--ours', 'a.txt');
    w.git('add', 'a.txt');
    w.git('commit', '-q', '--allow-empty', '-m', 'Solved');
  },
  'a cherry-pick without a commit': w => {
    w.git('cherry-pick', '-n', 'theirs~1');
  },
  'a revert': w => {
    commitFile(w, 'a.txt');
    commitFile(w, 'a.txt');
    attempt(() => w.git('revert', '--no-edit', 'HEAD~1'));
  },
  'a rebase': w => {
    commitFile(w, 'a.txt');
    commitFile(w, 'later');
    attempt(() => w.git('rebase', 'theirs'));
  },
  'a rebase with an autostash': w => {
    commitFile(w, 'a.txt');
    w.write('b.txt', 'put aside\n');
    attempt(() => w.git('rebase', '--autostash', 'theirs'));
  },
  patches: w => {
    const patch = w.git('format-patch', '--stdout', 'main..theirs');
    commitFile(w, 'a.txt');
    fs.writeFileSync(path.join(w.folder, 'patch'), patch, 'latin1');
    attempt(() => w.git('am', '-q', path.join(w.folder, 'patch')));
  },
  'a bisect': w => {
    commitFile(w, 'c1');
    commitFile(w, 'c2');
    commitFile(w, 'c3');
    w.git('bisect', 'start', 'HEAD', 'HEAD~3');
  },
  'a ref of its own': w => {
    const tree = w.git('write-tree').trim();
    const made = w.git('commit-tree', tree, '-m', `own ${w.pick(100)}`).trim();
    w.git('update-ref', `refs/worktree/own${w.pick(3)}`, made);
  },
};

const ignored: Record<string, Edit> = {
  'local settings': w => {
    w.write('.env.local', 'SECRET=1\n');
    w.write('local/settings.json', '{}\n');
  },
  'what tools fill': w => {
    w.write('node_modules/x/index.js', 'x\n');
    w.write('ignored/node_modules/x/index.js', 'x\n');
  },
  'an ignored file of megabytes': w => {
    w.write('big.o', Buffer.alloc(2 * 1024 ** 2));
  },
};

const clone = (w: World, name: string, ...args: string[]): void => {
  fs.mkdirSync(path.dirname(full(w, name)), { recursive: true });
  w.git('clone', '-q', ...args, w.remote, name);
};
const init = (w: World, name: string, ...args: string[]): void => {
  fs.mkdirSync(full(w, name), { recursive: true });
  w.at(name, 'init', '-q', '-b', 'main', ...args);
};
const submodule = (w: World, name: string): void => {
  w.git('submodule', 'add', '-q', w.remote, name);
  w.git('commit', '-qm', `Add ${name}`);
};

const repositories: Record<string, Edit> = {
  'a repository of its own': w => {
    init(w, 'own');
    commitFile(w, 'f', 'own');
  },
  'a repository with nothing in it': w => {
    init(w, 'unborn');
  },
  'a repository with staged content only': w => {
    init(w, 'stagedonly');
    w.write('stagedonly/f', 'in the index\n');
    w.at('stagedonly', 'add', 'f');
    w.write('stagedonly/f', 'and another\n');
  },
  'a clean clone': w => {
    clone(w, 'clone');
  },
  'a clone with changes': w => {
    clone(w, 'dirty');
    w.write('dirty/a.txt', 'changed\n');
    w.write('dirty/new', 'x\n');
    w.write('dirty/node_modules/x', 'x\n');
  },
  'a clone with stashes': w => {
    clone(w, 'stashes');
    for (const n of [1, 2, 3]) {
      w.write('stashes/a.txt', `stash ${n}\n`);
      w.at('stashes', 'stash', '-q');
    }
  },
  'a clone whose older stash alone is left in the reflog': w => {
    clone(w, 'stashed');
    w.write('stashed/a.txt', 'stash\n');
    w.at('stashed', 'stash', '-q');
  },
  'a clone with unpushed commits, tags and branches': w => {
    clone(w, 'unpushed');
    commitFile(w, 'f', 'unpushed');
    w.at('unpushed', 'tag', '-a', '-m', 'Tag', 'v1');
    w.at('unpushed', 'checkout', '-q', '-b', 'side');
    commitFile(w, 'g', 'unpushed');
  },
  'a clone with a commit and packed refs': w => {
    clone(w, 'packed');
    commitFile(w, 'f', 'packed');
    w.at('packed', 'gc', '-q');
  },
  'a clone in the middle of a merge': w => {
    clone(w, 'merging');
    commitFile(w, 'a.txt', 'merging');
    attempt(() => w.at('merging', 'merge', 'origin/theirs'));
  },
  'a shallow clone with a commit': w => {
    w.git('clone', '-q', '--depth', '1', `file://${w.remote}`, 'shallow');
    commitFile(w, 'f', 'shallow');
  },
  'a clone that borrows from another': w => {
    clone(w, 'ignored/lender');
    w.git('clone', '-q', '--shared', full(w, 'ignored/lender'), 'borrower');
    commitFile(w, 'f', 'borrower');
  },
  'a clone whose remote is beside it': w => {
    fs.mkdirSync(full(w, 'ignored'), { recursive: true });
    w.git('clone', '-q', '--bare', w.remote, 'ignored/beside.git');
    w.git('clone', '-q', full(w, 'ignored/beside.git'), 'besides');
    commitFile(w, 'f', 'besides');
    w.at('besides', 'push', '-q');
  },
  'a repository where git ignores': w => {
    init(w, 'ignored/deep/repo');
    commitFile(w, 'f', 'ignored/deep/repo');
  },
  'a bare repository where git ignores': w => {
    init(w, 'ignored/bare.git', '--bare');
    w.git('push', '-q', full(w, 'ignored/bare.git'), 'HEAD:refs/heads/main');
  },
  'a bare repository': w => {
    init(w, 'bare.git', '--bare');
    w.git('push', '-q', full(w, 'bare.git'), 'HEAD:refs/heads/main');
  },
  'a repository whose git directory is beside it': w => {
    fs.mkdirSync(full(w, 'ignored/beside'), { recursive: true });
    w.at('ignored/beside', 'init', '-q', `--separate-git-dir=${full(w, 'ignored/beside-git')}`);
    commitFile(w, 'f', 'ignored/beside');
  },
  'a repository in a repository': w => {
    init(w, 'outer');
    commitFile(w, 'f', 'outer');
    init(w, 'outer/inner');
    commitFile(w, 'g', 'outer/inner');
  },
  'a repository of another hash': w => {
    init(w, 'sha256', '--object-format=sha256');
    commitFile(w, 'f', 'sha256');
  },
  'a damaged repository': w => {
    init(w, 'damaged');
    commitFile(w, 'f', 'damaged');
    fs.writeFileSync(full(w, 'damaged/.git/index'), 'garbage');
  },
  'a repository with hooks and settings': w => {
    init(w, 'hooks');
    commitFile(w, 'f', 'hooks');
    w.at('hooks', 'config', 'alias.x', 'log');
    w.write('hooks/.git/hooks/pre-commit', '#!/bin/sh\n');
    fs.chmodSync(full(w, 'hooks/.git/hooks/pre-commit'), 0o755);
  },
  'a .git that leads nowhere': w => {
    w.write('nowhere/.git', 'gitdir: /nonexistent/git\n');
    w.write('nowhere/file', 'x\n');
  },
  'a submodule': w => {
    submodule(w, 'sub');
  },
  'a submodule with a commit': w => {
    submodule(w, 'subcommit');
    commitFile(w, 'f', 'subcommit');
  },
  'a submodule with changes': w => {
    submodule(w, 'libs/subdirty');
    w.write('libs/subdirty/new', 'x\n');
  },
  'a submodule that was deinitialised, with a commit': w => {
    submodule(w, 'deinit');
    commitFile(w, 'f', 'deinit');
    w.git('submodule', 'deinit', '-qf', 'deinit');
  },
  'a submodule that was removed, with a stash': w => {
    submodule(w, 'removed');
    w.write('removed/a.txt', 'stashed\n');
    w.at('removed', 'stash', '-q');
    w.git('rm', '-qf', 'removed');
    w.git('commit', '-qm', 'Remove it');
  },
  'a submodule of another branch, with staged content': w => {
    const branch = w.git('rev-parse', '--abbrev-ref', 'HEAD').trim();
    w.git('checkout', '-q', '-b', `with${w.pick(1000)}`);
    submodule(w, 'onbranch');
    w.write('onbranch/staged', 'x\n');
    w.at('onbranch', 'add', 'staged');
    w.git('checkout', '-qf', branch);
    fs.rmSync(full(w, 'onbranch'), { recursive: true, force: true });
  },
  'a submodule that is not initialised, with files': w => {
    submodule(w, 'uninit');
    w.git('submodule', 'deinit', '-qf', 'uninit');
    w.write('uninit/file', 'x\n');
  },
};

/** Those that a removal may refuse, also with --force. */
export const refusable: Record<string, Edit> = {
  'a worktree of a repository inside': w => {
    init(w, 'hasworktree');
    commitFile(w, 'f', 'hasworktree');
    w.at('hasworktree', 'worktree', 'add', '-q', '-b', 'x', path.join(w.folder, `elsewhere${w.pick(1000)}`));
  },
  'a repository whose git directory is elsewhere': w => {
    fs.mkdirSync(full(w, 'separate'), { recursive: true });
    w.at('separate', 'init', '-q', `--separate-git-dir=${path.join(w.folder, 'separate.git')}`);
    commitFile(w, 'f', 'separate');
    w.write('separate/new', 'x\n');
  },
  'another worktree inside': w => {
    w.git('worktree', 'add', '-q', '-b', `inner${w.pick(1000)}`, full(w, 'ignored/worktree'));
  },
};

export const edits: Record<string, Edit> = {
  ...plain,
  ...names,
  ...gitStates,
  ...ignored,
  ...repositories,
  ...refusable,
};

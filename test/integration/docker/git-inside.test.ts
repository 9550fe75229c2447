import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import {
  cli,
  docker,
  engineSocket,
  git,
  makeFolder,
  makeRepository,
  ownerOf,
  plainEnv,
  runProgram,
} from '../../support/sandbox.ts';

/** Everything that one does with git, each a script that fails where git does. They build upon each other. */
const operations: Readonly<Record<string, string>> = {
  status: 'git status --porcelain; test -z "$(git status --porcelain)"',
  add: 'echo n > new; git add new',
  commit: 'git commit -qm in1',
  amend: 'git commit -q --amend -m in1b',
  'stash push': 'echo z >> f2; git stash push -q; test "$(cat f2)" = 2',
  'stash pop': 'git stash pop -q; git checkout -q f2',
  'two commits': 'echo a>a1; git add a1; git commit -qm A; echo b>b1; git add b1; git commit -qm B',
  'rebase -i':
    'GIT_SEQUENCE_EDITOR="sed -i 2s,^pick,fixup," git rebase -q -i HEAD~2; test "$(git log --format=%s -1)" = A',
  'merge with a conflict':
    'git switch -q -c side HEAD~1; echo L>f3; git commit -qam side; git switch -q feat; echo R>f3; git commit -qam feat3; git merge side && exit 1; git status | grep -q Unmerged; echo LR>f3; git add f3; git commit -qm merged',
  'cherry-pick':
    'git switch -q -c cp HEAD; echo cp>cp; git add cp; git commit -qm cp; git switch -q feat; git cherry-pick cp',
  'branch -D': 'git branch -D cp',
  'branch -m': 'git branch -m side side2; git branch -m side2 side',
  switch: 'git switch -q other; git switch -q feat',
  'switch to the branch of the main checkout': 'git switch -q main; git switch -q feat',
  tag: 'git tag t1; git tag -a -m x t2',
  gc: 'git gc -q',
  'gc --prune=now': 'git gc -q --prune=now',
  repack: 'git repack -q -ad',
  'repack -l': 'git repack -q -adl',
  'pack-refs': 'git pack-refs --all',
  'worktree list': 'git worktree list',
  'worktree prune': 'git worktree prune; git status >/dev/null',
  'worktree add': 'git worktree add -q /tmp/w2 other; git -C /tmp/w2 status; git worktree remove /tmp/w2',
  reflog: 'test $(git reflog | wc -l) -gt 3',
  'reflog of the branch': 'git log -g --oneline feat | head -1; git rev-parse feat@{1}',
  config: 'git config alias.x status; git x; git config --unset alias.x',
  'remote add': 'git remote add o2 "$REMOTE"; git remote rename o2 o3; git remote remove o3',
  push: 'git push -q origin feat',
  'push -u': 'git push -q -u origin feat; git rev-parse @{u}',
  'fetch -p': 'git fetch -q -p',
  'pull --rebase': 'git pull -q --rebase',
  'submodule update': 'git submodule --quiet update --init; test -f subm/s',
  'a commit in a submodule':
    'cd subm; git switch -q -c sb; echo q>q; git add q; git commit -qm q; git switch -q --detach HEAD~1',
  'sparse-checkout': 'git sparse-checkout set d; test ! -e e; git sparse-checkout disable; test -e e/f1',
  hooks:
    'p=$(git rev-parse --git-path hooks); printf "#!/bin/sh\\ntouch /tmp/hook-ran\\n" > $p/pre-commit; chmod +x $p/pre-commit; git commit -q --allow-empty -m h; test -e /tmp/hook-ran; rm $p/pre-commit',
  filters:
    'git config filter.up.clean "tr a-z A-Z"; git config filter.up.smudge "tr A-Z a-z"; echo "*.up filter=up" > .gitattributes; echo abc > x.up; git add .gitattributes x.up; git commit -qm up; test "$(git show HEAD:x.up)" = ABC',
  "filters of the repository's own configuration":
    'echo "*.own filter=own" >> .gitattributes; echo abc > x.own; git add .gitattributes x.own; git commit -qm own; test "$(git show HEAD:x.own)" = ABC',
  bisect: 'git bisect start HEAD HEAD~3; git bisect run true; git bisect reset',
  notes: 'git notes add -m n HEAD',
  rerere: 'git config rerere.enabled true',
  maintenance: 'git maintenance run',
  'split index, untracked cache':
    'git update-index --split-index; git update-index --no-split-index; git update-index --untracked-cache',
  'a patch series': 'git format-patch -q -1 --stdout > /tmp/p; git reset -q --hard HEAD~1; git am -q /tmp/p',
  fsck: 'git fsck --no-dangling',
  'all is clean in the end': 'git status --porcelain; test -z "$(git status --porcelain)"',
};

const root = process.getuid!() === 0;

it.each(root ? [0, 4343] : [process.getuid!()])('all of git works inside for uid %d', async uid => {
  const folder = makeFolder();
  const home = path.join(folder, 'home');
  fs.mkdirSync(path.join(home, '.config/headjack'), { recursive: true });
  fs.writeFileSync(path.join(home, '.config/headjack/config.yaml'), 'git: {directory: own}\n');
  fs.chmodSync(folder, 0o755);
  const at = (...parts: string[]): string => path.join(folder, ...parts);
  const library = at('library');
  makeRepository(library);
  fs.writeFileSync(path.join(library, 's'), 's');
  git(library, 'add', '.');
  git(library, 'commit', '-qm', 's');
  const repository = at('project');
  makeRepository(repository);
  for (const name of ['f2', 'f3', 'd/f1', 'e/f1']) {
    fs.mkdirSync(path.dirname(path.join(repository, name)), { recursive: true });
    fs.writeFileSync(path.join(repository, name), '2\n');
  }
  git(repository, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'subm');
  git(repository, 'add', '.');
  git(repository, 'commit', '-qm', 'two');
  git(repository, 'branch', 'other');
  const remote = at('remote.git');
  git(folder, 'clone', '-q', '--bare', repository, remote);
  git(repository, 'remote', 'add', 'origin', remote);
  git(repository, 'remote', 'add', 'library', library); // so it is inside, too
  git(repository, 'config', 'filter.own.clean', 'tr a-z A-Z');
  if (root) execFileSync('chown', ['-R', `${uid}:${uid}`, folder]);
  const group = String(fs.statSync(engineSocket).gid);
  const prefix = root
    ? ['setpriv', '--reuid', `${uid}`, '--regid', `${uid}`, '--groups', `${uid},${group}`]
    : ['env'];
  const hjk = (...args: string[]): ReturnType<typeof runProgram> =>
    runProgram(prefix[0]!, [...prefix.slice(1), cli, ...args], { cwd: repository, env: plainEnv(home) });
  try {
    expect(await hjk('run', 'feat')).toMatchObject({ code: 0, stderr: '' });
    const script = Object.entries(operations)
      .map(([name, words]) => `t '${name.replaceAll("'", '’')}' '${words.replaceAll("'", `'\\''`)}'`)
      .join('\n');
    const preamble = `export REMOTE=${remote}
      git config --global protocol.file.allow always; git config --global advice.detachedHead false
      t() { if out=$(sh -ec "$2" 2>&1); then echo "ok $1"; else echo "FAILED $1: $out"; fi; }\n`;
    const ran = await hjk('exec', 'feat', '--no-mux', 'sh', '-c', preamble + script);
    expect(ran.stdout.split('\n').filter(line => !line.startsWith('ok '))).toEqual(['']);
    expect(ran.stdout.split('\n')).toHaveLength(Object.keys(operations).length + 1);
    // on the host: all files are the caller's, the submodule's git directory leads nowhere, and nothing is broken
    expect(execFileSync('find', [folder, '!', '-uid', String(uid)], { encoding: 'utf8' })).toBe('');
    const worktree = at(
      'home/.local/share/headjack/git',
      fs.readdirSync(at('home/.local/share/headjack/git'))[0]!,
      'feat',
    );
    git(worktree, '-c', 'safe.directory=*', 'status');
    git(repository, '-c', 'safe.directory=*', 'fsck');
  } finally {
    const owner = ownerOf(path.join(home, '.local/share/headjack/catalog.json'));
    const ids = docker('ps', '-aq', '--filter', `label=dev.headjack.owner=${owner}`)
      .split('\n')
      .filter(Boolean);
    if (ids.length > 0) docker('rm', '-f', ...ids);
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

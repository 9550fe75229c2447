import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  cli,
  docker,
  engineSocket,
  git,
  makeRepository,
  makeSandbox,
  ownerOf,
  plainEnv,
  runProgram,
  sharedGit,
  makeFolder,
  uidInside,
} from '../../support/sandbox.ts';

/** A repository with a submodule and extensions.worktreeConfig, and an instance in which a hostile program runs. */
async function hostile(
  script: (at: { worktree: string; common: string; meta: string; trap: string }) => string,
): Promise<
  {
    output: string;
    trapped: () => boolean;
    worktree: string;
    repository: string;
    hjk: (...args: string[]) => Promise<{ code: number; stdout: string; stderr: string }>;
  } & AsyncDisposable
> {
  const box = makeSandbox({ config: sharedGit });
  const library = path.join(box.folder, 'library');
  makeRepository(library);
  box.git('-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', library, 'sub');
  box.git('commit', '-qm', 'Add submodule');
  box.git('config', 'extensions.worktreeConfig', 'true');
  await box.ok('run', 'b');
  const { worktree } = box.catalog().entries[0]!;
  git(worktree, '-c', 'protocol.file.allow=always', 'submodule', 'update', '-q', '--init');
  const trap = path.join(worktree, 'trap-was-sprung');
  const common = path.join(box.repository, '.git');
  const meta = path.join(common, 'worktrees', path.basename(worktree));
  fs.writeFileSync(path.join(worktree, 'trap.sh'), `#!/bin/sh\ntouch ${trap}\n`, { mode: 0o755 });
  const ran = await box.hjk('exec', 'b', '--no-mux', 'sh', '-c', script({ worktree, common, meta, trap }));
  return {
    output: ran.stdout + ran.stderr,
    worktree,
    repository: box.repository,
    hjk: (...args) => box.hjk(...args),
    trapped: () => fs.existsSync(trap),
    [Symbol.asyncDispose]: () => box[Symbol.asyncDispose](),
  };
}

/** What somebody on the host does in the repository and the worktree. */
function useOnHost(at: { worktree: string; repository: string }): void {
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };
  for (const cwd of [
    at.worktree,
    at.repository,
    path.join(at.repository, 'sub'),
    path.join(at.worktree, 'sub'),
  ]) {
    for (const args of [['status'], ['diff'], ['checkout', '-q', '--', '.'], ['log', '-1']]) {
      try {
        execFileSync('git', args, { cwd, env, stdio: 'ignore' });
      } catch {
        // a broken repository is not what is looked for here
      }
    }
  }
}

describe('of an instance of the older kind, ways of making the host run code through the git directory', () => {
  const fsmonitor = (worktree: string): string =>
    `[core]\\n\\tfsmonitor = ${worktree}/trap.sh\\n\\thooksPath = ${worktree}/hooks\\n`;
  it.each<[string, (at: { worktree: string; common: string; meta: string }) => string]>([
    [
      'config',
      at =>
        `printf '${fsmonitor(at.worktree)}' >> ${at.common}/config; mv ${at.common}/config ${at.common}/c2; rm -f ${at.common}/config`,
    ],
    [
      'hooks',
      at =>
        `cp ${at.worktree}/trap.sh ${at.common}/hooks/post-checkout; mv ${at.common}/hooks ${at.common}/h2 && mkdir ${at.common}/hooks && cp ${at.worktree}/trap.sh ${at.common}/hooks/post-checkout`,
    ],
    [
      'commondir',
      at =>
        `mkdir -p ${at.worktree}/fake && cp -r ${at.common}/. ${at.worktree}/fake 2>/dev/null; printf '${fsmonitor(at.worktree)}' >> ${at.worktree}/fake/config; echo ${at.worktree}/fake > ${at.meta}/commondir`,
    ],
    [
      '.git of the worktree',
      at =>
        `mkdir -p ${at.worktree}/fake && cp -r ${at.common}/. ${at.worktree}/fake 2>/dev/null; printf '${fsmonitor(at.worktree)}' >> ${at.worktree}/fake/config; echo gitdir: ${at.worktree}/fake > ${at.worktree}/.git; rm -f ${at.worktree}/.git`,
    ],
    [
      'config.worktree of the metadata',
      at =>
        `printf '${fsmonitor(at.worktree)}' > ${at.meta}/config.worktree; rm -f ${at.meta}/config.worktree`,
    ],
    [
      'config.worktree of the common dir',
      at => `printf '${fsmonitor(at.worktree)}' > ${at.common}/config.worktree`,
    ],
    [
      'config of a submodule of the main checkout',
      at => `printf '${fsmonitor(at.worktree)}' >> ${at.common}/modules/sub/config`,
    ],
    [
      'config of a submodule of the worktree',
      at => `printf '${fsmonitor(at.worktree)}' >> ${at.meta}/modules/sub/config`,
    ],
    [
      'attributes and the metadata of others',
      at => `echo '* filter=x' > ${at.common}/info/attributes; mkdir -p ${at.common}/worktrees/other`,
    ],
  ])('%s: closed for every git on the host', async (_, attack) => {
    await using at = await hostile(attack);
    useOnHost(at);
    expect(at.trapped()).toBe(false);
    expect(at.output).toMatch(/Read-only file system|Device or resource busy|Permission denied/);
  });
  it("a nested repository: closed for hjk's own git", async () => {
    await using at = await hostile(
      ({ worktree }) =>
        `cd ${worktree} && git init -q nested && cd nested && git config core.fsmonitor ${worktree}/trap.sh && git config filter.x.clean ${worktree}/trap.sh && echo '* filter=x' > .gitattributes && git -c user.name=a -c user.email=a@a commit -q --allow-empty -m x && cd .. && git add nested 2>/dev/null; rm -f trap-was-sprung`,
    );
    expect(at.trapped()).toBe(false);
    await at.hjk('ps');
    await at.hjk('rm', 'b');
    await at.hjk('stop', 'b');
    await at.hjk('run', 'b');
    expect(at.trapped()).toBe(false);
    expect(await at.hjk('rm', 'b', '--force')).toMatchObject({ code: 0 });
    expect(at.trapped()).toBe(false);
  });
});

describe('of an instance of the older kind, a mask lies on a file, and goes when another is put in its place', () => {
  const write = (box: { repository: string }): string =>
    `echo '# from inside' >> ${box.repository}/.git/config`;
  it("hjk's own changes of the configuration leave it", async () => {
    await using box = makeSandbox({ config: sharedGit });
    const remote = path.join(box.folder, 'remote.git');
    git(box.folder, 'clone', '-q', '--bare', box.repository, remote);
    git(remote, 'branch', 'theirs', 'main');
    box.git('remote', 'add', 'origin', remote);
    box.git('fetch', '-q');
    await box.ok('run', 'a');
    await box.ok('run', 'we"ird#;');
    await box.ok('run', 'theirs');
    expect(box.git('config', 'branch.we"ird#;.merge').trim()).toBe('refs/heads/we"ird#;');
    expect(box.git('rev-parse', '--abbrev-ref', 'theirs@{upstream}').trim()).toBe('origin/theirs');
    await box.ok('rm', 'theirs', '--yes', '-D');
    expect((await box.hjk('exec', 'a', '--no-mux', 'sh', '-c', write(box))).stderr).toContain(
      'Read-only file system',
    );
    await box.ok('rm', 'a', '--yes');
    await box.ok('rm', 'we"ird#;', '--yes');
    expect(fs.existsSync(path.join(box.repository, '.git/commondir'))).toBe(false);
    box.git('fsck');
  });
  it("the user's own changes are noticed, and a restart of the instance protects again", async () => {
    await using box = makeSandbox({ config: sharedGit });
    await box.ok('run', 'a');
    box.git('config', 'some.thing', 'else');
    expect((await box.hjk('-v', 'exec', 'a', '--no-mux', 'true')).stderr).toMatch(
      /Warning: .*\.git\/config was replaced .*hjk stop a && hjk run a/,
    );
    await box.ok('stop', 'a');
    await box.ok('run', 'a');
    expect((await box.hjk('-v', 'exec', 'a', '--no-mux', 'sh', '-c', write(box))).stderr).toMatch(
      /Read-only file system/,
    );
    expect((await box.hjk('-v', 'exec', 'a', '--no-mux', 'true')).stderr).not.toContain('Warning');
  });
});

describe('git inside', () => {
  const root = process.getuid!() === 0;
  const others = [
    [0, 0],
    [4321, 4321],
    [1000, 1000],
  ] as const;
  it.each(root ? others : [[process.getuid!(), process.getgid!()] as const])(
    'works for uid %d, everyday commands and all; files belong to the caller',
    async (uid, gid) => {
      const folder = makeFolder();
      const home = path.join(folder, 'home');
      fs.mkdirSync(home);
      fs.chmodSync(folder, 0o755);
      const repository = path.join(folder, 'project');
      makeRepository(repository);
      const remote = path.join(folder, 'remote.git');
      git(folder, 'clone', '-q', '--bare', repository, remote);
      git(repository, 'remote', 'add', 'origin', remote);
      if (root) execFileSync('chown', ['-R', `${uid}:${gid}`, folder]);
      const socketGroup = String(fs.statSync(engineSocket).gid);
      const as = (...args: string[]): ReturnType<typeof runProgram> =>
        runProgram(
          root ? 'setpriv' : 'env',
          root
            ? [
                '--reuid',
                String(uid),
                '--regid',
                String(gid),
                '--groups',
                `${gid},${socketGroup}`,
                cli,
                ...args,
              ]
            : [cli, ...args],
          { cwd: repository, env: plainEnv(home) },
        );
      try {
        expect(await as('run', 'feat/x')).toMatchObject({ code: 0, stderr: '' });
        await as('run', 'sibling');
        const inside = await as(
          'exec',
          'feat/x',
          '--no-mux',
          'sh',
          '-ec',
          `id -u; whoami; cd /workspace; pwd -P
        git status --short; echo a > a; git add a; git commit -qm one; git log --oneline | head -1
        git push -q; git fetch -q; git stash -q || true; git switch -qc other; git switch -q feat/x; git merge -q other; git tag t; git reset -q --hard
        git worktree prune; git gc -q; git worktree list | wc -l; touch $HOME/x; git config --global a.b c; git rev-parse --abbrev-ref @{push}`,
        );
        expect(inside.stderr).toBe('');
        const worktree = path.join(home, '.local/share/headjack/git');
        expect(inside.stdout).toMatch(
          new RegExp(
            `^${uidInside(uid)}\n\\S+\n${worktree}/[^\n]+/feat-x\n[0-9a-f]+ one\n\\s*1\norigin/feat/x\n$`,
          ),
        );
        expect(git(remote, '-c', 'safe.directory=*', 'log', '--oneline', 'feat/x')).toContain('one');
        expect(execFileSync('find', [folder, '!', '-uid', String(uid)], { encoding: 'utf8' })).toBe('');
        expect((await as('exec', 'sibling', '--no-mux', 'git', 'status', '--short')).code).toBe(0);
        git(path.join(worktree, fs.readdirSync(worktree)[0]!, 'sibling'), '-c', 'safe.directory=*', 'status');
        expect(await as('exec', 'sibling', '-d', '-n', 's', 'true')).toMatchObject({ code: 0 });
        await as('rm', 'sibling', '--yes');
        expect(await as('rm', 'feat/x', '--yes')).toMatchObject({ code: 0 });
      } finally {
        const owner = ownerOf(path.join(home, '.local/share/headjack/catalog.json'));
        const ids = docker('ps', '-aq', '--filter', `label=dev.headjack.owner=${owner}`)
          .split('\n')
          .filter(Boolean);
        for (const id of ids) docker('rm', '-f', id);
        fs.rmSync(folder, { recursive: true, force: true });
      }
    },
  );
  it('a remote that is a folder here can be pushed to, and not be used to plant a hook', async () => {
    await using box = makeSandbox();
    const remote = path.join(box.folder, 'remote.git');
    git(box.folder, 'clone', '-q', '--bare', box.repository, remote);
    box.git('remote', 'add', 'origin', remote);
    await box.ok('run', 'b');
    const ran = await box.hjk(
      'exec',
      'b',
      '--no-mux',
      'sh',
      '-c',
      `echo x > ${remote}/hooks/post-update; echo x >> ${remote}/config; echo x > ${remote}/config.worktree; git commit -q --allow-empty -m pushed && git push -q && git pull -q`,
    );
    expect(ran.code).toBe(0);
    expect(ran.stderr.match(/Read-only file system/g)).toHaveLength(3);
    expect(git(remote, 'log', '--oneline', 'b')).toContain('pushed');
  });
});

it('a hostile catalog deletes nothing', async () => {
  await using box = makeSandbox();
  await box.ok('run', 'b');
  const precious = path.join(box.folder, 'precious');
  fs.mkdirSync(precious);
  fs.writeFileSync(path.join(precious, 'file'), 'x');
  const file = path.join(box.stateRoot, 'catalog.json');
  const original = fs.readFileSync(file, 'utf8');
  const { worktree } = box.catalog().entries[0]!;
  for (const place of [precious, box.repository, path.dirname(worktree), box.home]) {
    fs.writeFileSync(file, original.replaceAll(JSON.stringify(worktree), JSON.stringify(place)));
    await box.hjk('rm', 'b', '--force');
    expect(fs.existsSync(path.join(precious, 'file'))).toBe(true);
    expect(fs.existsSync(path.join(box.repository, 'README.md'))).toBe(true);
    expect(fs.existsSync(path.join(worktree, 'README.md'))).toBe(true);
    fs.writeFileSync(file, original);
  }
  fs.writeFileSync(file, original.replace('"id": "', '"id": "../'));
  expect(await box.hjk('rm', 'b', '--force')).toMatchObject({ code: 9 });
});

it('links planted in the state root are not followed', async () => {
  await using box = makeSandbox();
  await box.ok('run', 'b');
  const { id } = box.catalog().entries[0]!;
  const target = path.join(box.folder, 'target');
  fs.mkdirSync(target);
  fs.writeFileSync(path.join(target, 'file'), 'x');
  fs.rmSync(path.join(box.stateRoot, 'logs'), { recursive: true, force: true });
  fs.mkdirSync(path.join(box.stateRoot, 'logs'));
  fs.symlinkSync(target, path.join(box.stateRoot, 'logs', id));
  expect(await box.hjk('rm', 'b', '--yes')).toMatchObject({ code: 0 });
  expect(fs.readFileSync(path.join(target, 'file'), 'utf8')).toBe('x');
});

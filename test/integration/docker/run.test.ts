import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  buildTestImage,
  docker,
  git,
  hostVariable,
  limitsWork,
  makeRepository,
  makeSandbox,
  onPodman,
  runProgram,
  cli,
  testImage,
  uidInside,
} from '../../support/sandbox.ts';

describe('the main job', () => {
  it('run, exec, logs, ps, kill, stop, run, rm: the messages that scripts rely on, and nothing on stderr', async () => {
    await using box = makeSandbox();
    const run = await box.hjk('run', 'feat/login');
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const id = /^Instance ([0-9a-f]{8}) ready for branch feat\/login\n$/.exec(run.stdout)?.[1];
    expect(id).toBeDefined();
    expect(await box.hjk('run', 'feat/login')).toEqual(run);
    expect(
      await box.hjk(
        'exec',
        'feat/login',
        '-d',
        '--name',
        'build',
        'sh',
        '-c',
        'echo one; sleep 0.5; echo two; exit 3',
      ),
    ).toEqual({
      code: 0,
      stdout: `Created session build in ${id}  (detached)\n`.replace('  ', ' '),
      stderr: '',
    });
    expect(await box.hjk('logs', 'feat/login', 'build', '-f')).toEqual({
      code: 0,
      stdout: 'one\ntwo\n',
      stderr: '',
    });
    expect((await box.ok('ps', 'feat/login')).split('\n')[1]).toMatch(
      /^build +shell +exited \(3\) +just now +just now$/,
    );
    expect(await box.ok('ps')).toMatch(
      /^BRANCH +STATUS +SESSIONS +CREATED\nfeat\/login +running +1 +just now\n$/,
    );
    await box.ok('exec', 'feat/login', '-d', '-n', 'web', 'sleep', '100');
    expect(await box.hjk('kill', 'feat/login/web')).toEqual({
      code: 0,
      stdout: 'Killed session web in instance feat/login\n',
      stderr: '',
    });
    expect(await box.hjk('stop', 'feat/login')).toEqual({
      code: 0,
      stdout: `Stopped instance ${id} for branch feat/login\n`,
      stderr: '',
    });
    expect(await box.ok('ps')).toContain('stopped');
    expect(await box.hjk('exec', 'feat/login', '-d', '-n', 'again', 'true')).toEqual({
      code: 0,
      stdout: `Restarted instance ${id} for branch feat/login\nCreated session again in ${id} (detached)\n`,
      stderr: '',
    });
    const worktree = box.catalog().entries[0]!.worktree;
    expect(await box.hjk('rm', 'feat/login')).toMatchObject({ code: 5, stdout: '' });
    expect(await box.hjk('rm', 'feat/login', '--yes')).toEqual({
      code: 0,
      stdout: `Removed instance ${id} for branch feat/login\n`,
      stderr: '',
    });
    expect(fs.existsSync(worktree)).toBe(false);
    expect(box.catalog().entries).toEqual([]);
    expect(box.git('branch', '--list', 'feat/login').trim()).toBe('feat/login');
    expect(box.git('worktree', 'list').trim().split('\n')).toHaveLength(1);
    expect(fs.readdirSync(path.join(box.stateRoot, 'logs'))).toEqual([]);
    expect(fs.readdirSync(path.join(box.stateRoot, 'instances'))).toEqual([]);
    expect(await box.ok('ps')).toBe('No instances found\n');
  });

  it('errors name the thing and the next command', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'feat/x');
    const cases: [string[], number, string, string | undefined][] = [
      [
        ['exec', 'nope', '-d', 'ls'],
        3,
        'no instance found for branch "nope"',
        "run 'hjk run nope' to create one",
      ],
      [['stop', 'feat/y'], 3, 'no instance found for branch "feat/y"', 'did you mean "feat/x"?'],
      [['kill', 'feat'], 2, 'invalid format: expected <branch>/<session>, got "feat"', undefined],
      [['kill', 'feat/x/none'], 3, 'session "none" not found in instance for branch "feat/x"', undefined],
      [['logs', 'feat/x', 'none'], 3, 'session "none" not found in instance for branch "feat/x"', undefined],
      [['exec', 'feat/x', 'ls'], 2, 'this needs a terminal', '-d'],
      [['attach', 'feat/x'], 2, 'this needs a terminal', undefined],
      [
        ['agent', 'feat/x', 'clade', '-d'],
        2,
        'invalid agent "clade" (valid: claude, codex, gemini)',
        'did you mean "claude"?',
      ],
      [['exec', 'feat/x', '-d', '-n', 'a/b', 'ls'], 2, '"a/b" is no session name', undefined],
      [['run', 'a..b'], 2, '"a..b" is no branch name that git accepts', undefined],
      [
        ['run', 'x', '--', '--restart', 'always', '--rm'],
        2,
        'after --: not a flag that can be given to the container: --restart --rm',
        '--memory',
      ],
      [['run', 'x', '--image', 'no/such:image'], 7, 'image no/such:image cannot be pulled: ', '--image'],
      [
        ['run', 'x', '--image', 'no/such:image', '--pull', 'never'],
        7,
        'image no/such:image is not on the engine',
        '--pull never',
      ],
      [
        ['run', 'x', '--image', 'headjack/base:none'],
        7,
        'image headjack/base:none is not on the engine',
        'hjk image build',
      ],
      [['run', 'feat/x', '--memory', '1g'], 4, 'was made with other options', 'hjk recreate feat/x'],
      [['rn', 'x'], 2, "unknown command 'rn'", 'did you mean'],
      [['run', 'x', '--imag', 'y'], 2, "unknown option '--imag'", 'did you mean --image?'],
      [['config', 'default.agnt'], 2, 'invalid configuration key "default.agnt"', 'default.agent'],
    ];
    for (const [args, code, message, hint] of cases) {
      const ran = await box.hjk(...args);
      expect({ args, code: ran.code, stdout: ran.stdout }).toEqual({ args, code, stdout: '' });
      expect(ran.stderr).toMatch(/^Error: /);
      expect(ran.stderr).toContain(message);
      if (hint !== undefined) expect(ran.stderr).toContain(`hint: `);
      if (hint !== undefined) expect(ran.stderr).toContain(hint);
    }
    await box.ok('exec', 'feat/x', '-d', '-n', 'live', 'sleep', '100');
    expect(await box.hjk('exec', 'feat/x', '-d', '-n', 'live', 'ls')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('session "live" already exists in instance') as string,
    });
    const json = JSON.parse((await box.hjk('rm', 'none', '--json')).stderr) as unknown;
    expect(json).toMatchObject({ schema: 1, error: { code: 'instance_not_found', exit_code: 3 } });
    const nowhere = await runProgram(cli, ['ps'], { cwd: '/', env: box.env });
    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('hjk ps --all') as string });
    expect(await runProgram(cli, ['-C', '/nowhere', 'ps'], { cwd: '/', env: box.env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('-C: /nowhere') as string,
    });
    expect(await runProgram(cli, ['-C', box.repository, 'ps'], { cwd: '/', env: box.env })).toMatchObject({
      code: 0,
    });
  });
});

describe('branches', () => {
  it('existing, remote only, new from a ref, ambiguous, checked out elsewhere, in the way', async () => {
    await using box = makeSandbox();
    for (const remote of ['one', 'two']) {
      const place = path.join(box.folder, remote);
      makeRepository(place);
      git(place, 'branch', 'shared');
      git(place, 'branch', `only-${remote}`);
      box.git('remote', 'add', remote, place);
    }
    box.git('fetch', '-q', '--all');
    box.git('branch', 'mine');
    box.git('tag', 'v1');
    await box.ok('run', 'mine');
    await box.ok('run', 'only-one');
    expect(box.git('rev-parse', '--abbrev-ref', 'only-one@{upstream}').trim()).toBe('one/only-one');
    await box.ok('run', 'new', '--from', 'v1');
    expect(await box.hjk('run', 'shared')).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/several remotes: one, two[\s\S]*--from one\/shared/) as string,
    });
    await box.ok('run', 'shared', '--from', 'two/shared');
    expect(box.git('rev-parse', '--abbrev-ref', 'shared@{upstream}').trim()).toBe('two/shared');
    expect(await box.hjk('run', 'main')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining(`branch "main" is checked out at ${box.repository}`) as string,
    });
    expect(await box.hjk('run', 'x', '--from', 'nope')).toMatchObject({ code: 3 });
    const parent = path.dirname(box.catalog().entries[0]!.worktree);
    fs.mkdirSync(path.join(parent, 'way'));
    fs.writeFileSync(path.join(parent, 'way/file'), 'precious');
    expect(await box.hjk('run', 'way')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('is in the way') as string,
    });
    expect(fs.readFileSync(path.join(parent, 'way/file'), 'utf8')).toBe('precious');
    expect(box.git('branch', '--list', 'way')).toBe('');
    expect(box.catalog().entries.map(e => e.branch)).toEqual(['mine', 'only-one', 'new', 'shared']);
  });
  it('branches that sanitize alike or to nothing get worktrees of their own', async () => {
    await using box = makeSandbox();
    for (const branch of ['feature/login', 'feature-login', '日本語']) await box.ok('run', branch);
    const folders = box.catalog().entries.map(e => path.basename(e.worktree));
    expect(folders).toEqual([
      'feature-login',
      expect.stringMatching(/^feature-login-[0-9a-f]{6}$/),
      expect.stringMatching(/^branch-[0-9a-f]{6}$/),
    ]);
    expect(await box.ok('exec', '日本語', '--no-mux', 'git', 'branch', '--show-current')).toBe('日本語\n');
  });
  it('the repository may be bare, without a commit, have blanks and umlauts, or be entered by a subfolder or a worktree', async () => {
    await using box = makeSandbox({ repository: 'mein Projekt ü' });
    fs.mkdirSync(path.join(box.repository, 'sub'));
    const inSub = await runProgram(cli, ['run', 'a'], {
      cwd: path.join(box.repository, 'sub'),
      env: box.env,
    });
    expect(inSub).toMatchObject({ code: 0 });
    const inWorktree = await runProgram(cli, ['run', 'b'], {
      cwd: box.catalog().entries[0]!.worktree,
      env: box.env,
    });
    expect(inWorktree).toMatchObject({ code: 0 });
    expect(new Set(box.catalog().entries.map(e => e.repo_id)).size).toBe(1);
    expect(await box.ok('exec', 'b', '--no-mux', 'git', 'status', '--short')).toBe('');
    const bare = path.join(box.folder, 'bare.git');
    git(box.folder, 'clone', '-q', '--bare', box.repository, bare);
    expect(await runProgram(cli, ['run', 'c'], { cwd: bare, env: box.env })).toMatchObject({ code: 0 });
    expect(
      (
        await runProgram(cli, ['exec', 'c', '--no-mux', 'git', 'log', '--oneline'], {
          cwd: bare,
          env: box.env,
        })
      ).stdout,
    ).toContain('First commit');
    const unborn = path.join(box.folder, 'unborn');
    git(box.folder, 'init', '-q', unborn);
    expect(await runProgram(cli, ['run', 'd'], { cwd: unborn, env: box.env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no commit') as string,
    });
  });
  it('a clone that borrows objects works, and so does a repository with submodules', async () => {
    await using box = makeSandbox();
    const borrower = path.join(box.folder, 'borrower');
    git(box.folder, 'clone', '-q', '--shared', box.repository, borrower);
    expect(await runProgram(cli, ['run', 'a'], { cwd: borrower, env: box.env })).toMatchObject({ code: 0 });
    const log = await runProgram(
      cli,
      [
        'exec',
        'a',
        '--no-mux',
        'sh',
        '-c',
        'git log --oneline && echo x > x && git add x && git commit -qm x && git status --short',
      ],
      { cwd: borrower, env: { ...box.env } },
    );
    expect(log).toMatchObject({ code: 128 }); // no identity is configured in this clone: git says so, as it does on the host
    git(borrower, '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', box.repository, 'sub');
    git(borrower, '-c', 'user.name=T', '-c', 'user.email=t@t', 'commit', '-qm', 'Add submodule');
    expect(await runProgram(cli, ['run', 'with-sub'], { cwd: borrower, env: box.env })).toMatchObject({
      code: 0,
    });
    expect(
      (
        await runProgram(cli, ['exec', 'with-sub', '--no-mux', 'git', 'submodule', 'status'], {
          cwd: borrower,
          env: box.env,
        })
      ).stdout,
    ).toMatch(/^-[0-9a-f]+ sub/);
    for (const branch of ['a', 'with-sub'])
      expect(await runProgram(cli, ['rm', branch, '--force'], { cwd: borrower, env: box.env })).toMatchObject(
        { code: 0 },
      );
  });
});

describe('the container', () => {
  it('has the limits, variables, mounts and ports that were asked for', async () => {
    await using box = makeSandbox();
    const data = path.join(box.folder, 'data');
    fs.mkdirSync(data);
    fs.writeFileSync(path.join(data, 'file'), 'from outside');
    fs.writeFileSync(path.join(box.folder, 'env'), '# comment\nFROM_FILE=a b\n');
    const env = { ...box.env, SECRET_TOKEN: 's3cr3t-value' };
    const args = [
      'run',
      'b',
      '-m',
      '64m',
      '--cpus',
      '0.5',
      '--pids',
      '50',
      '--network',
      'none',
      '-e',
      'SECRET_TOKEN',
      '-e',
      'PLAIN=x=y',
      '--env-file',
      path.join(box.folder, 'env'),
      '-v',
      `${data}:/data:ro`,
    ];
    expect(await runProgram(cli, args, { cwd: box.repository, env })).toMatchObject({ code: 0, stderr: '' });
    const container = box.catalog().entries[0]!.container_id;
    const inspect = docker('inspect', container);
    expect(inspect).not.toContain('s3cr3t-value');
    expect(JSON.parse(inspect)).toMatchObject([
      {
        HostConfig: {
          ...(limitsWork() ? { Memory: 64 * 1024 ** 2, NanoCpus: 5e8, PidsLimit: 50 } : {}),
          NetworkMode: 'none',
          ...(onPodman ? {} : { Init: true, Binds: null }),
          RestartPolicy: { Name: 'no' },
          SecurityOpt: expect.arrayContaining(['no-new-privileges']) as string[],
        },
        Config: { Labels: { 'dev.headjack.branch': 'b' } },
      },
    ]);
    expect(
      await box.ok(
        'exec',
        'b',
        '--no-mux',
        'sh',
        '-c',
        'echo $SECRET_TOKEN $PLAIN "$FROM_FILE" $HEADJACK_BRANCH; cat /data/file; touch /data/x 2>/dev/null || echo read-only',
      ),
    ).toBe('s3cr3t-value x=y a b b\nfrom outsideread-only\n');
    const leaks = fs
      .readdirSync(box.stateRoot, { recursive: true, withFileTypes: true })
      .filter(f => f.isFile())
      .map(f => path.join(f.parentPath, f.name))
      .filter(f => fs.readFileSync(f).includes('s3cr3t-value'));
    expect(leaks.map(f => path.basename(f))).toEqual(['env']);
    expect(fs.statSync(leaks[0]!).mode & 0o777).toBe(0o600);
  });
  it.each([
    [['-e', 'NOT_SET_ANYWHERE'], 'NOT_SET_ANYWHERE is not set here'],
    [['-e', 'HEADJACK_X=1'], 'reserved'],
    [['-m', 'lots'], '--memory'],
    [['--cpus', '-1'], '--cpus'],
    [['-v', '/a:/workspace'], "/workspace is the instance's own"],
    [['-p', '99999'], '--publish'],
    [['--env-file', '/nowhere'], '/nowhere'],
    [['--ssh-agent'], 'no ssh agent'],
  ])('%j is refused before anything is made', async (flags, message) => {
    await using box = makeSandbox();
    const ran = await box.hjk('run', 'b', ...flags);
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string });
    expect(box.git('branch', '--list', 'b')).toBe('');
    expect(
      fs.existsSync(path.join(box.stateRoot, 'git')) &&
        fs.readdirSync(path.join(box.stateRoot, 'git'), { recursive: true }).length > 1,
    ).toBe(false);
    expect(fs.existsSync(path.join(box.stateRoot, 'catalog.json')) ? box.catalog().entries : []).toEqual([]);
  });
  it('an image without sh is refused, and nothing is left', async () => {
    await using box = makeSandbox();
    const tag = `hjk-test:empty-${process.pid}`;
    fs.mkdirSync(path.join(box.folder, 'empty'));
    fs.writeFileSync(path.join(box.folder, 'empty/file'), 'x');
    await runProgram('sh', ['-c', `tar -C '${box.folder}/empty' -c . | docker import - ${tag}`], {
      cwd: box.folder,
      env: box.env,
    });
    try {
      expect(await box.hjk('run', 'b', '--image', tag)).toMatchObject({
        code: 7,
        stderr: expect.stringContaining('no `sh`') as string,
      });
      expect(box.catalog().entries).toEqual([]);
      expect(box.git('branch', '--list', 'b')).toBe('');
      expect(box.git('worktree', 'list').trim().split('\n')).toHaveLength(1);
    } finally {
      docker('rmi', '-f', tag);
    }
  });
  it("an image's own user keeps name, home and shell, with the caller's ids", async () => {
    await using box = makeSandbox();
    const tag = `hjk-test:user-${process.pid}`;
    const dockerfile = `FROM ${testImage}\nRUN echo 'developer:x:1234:1234::/home/developer:/bin/sh' >> /etc/passwd && echo 'developer:x:1234:' >> /etc/group && mkdir -p /home/developer && echo tool > /home/developer/tool && chmod 700 /home/developer && chown -R 1234:1234 /home/developer\nUSER developer\n`;
    buildTestImage(tag, dockerfile);
    const derived = docker('images', '-q', 'headjack/derived').split('\n');
    try {
      await box.ok('run', 'b', '--image', tag);
      expect(
        await box.ok(
          'exec',
          'b',
          '--no-mux',
          'sh',
          '-c',
          'id -u; echo $HOME; cat $HOME/tool; touch $HOME/new in-worktree && git status --short',
        ),
      ).toBe(`${uidInside(process.getuid!())}\n/home/developer\ntool\n?? in-worktree\n`);
    } finally {
      await box.hjk('rm', 'b', '--force');
      const made = docker('images', '-q', 'headjack/derived')
        .split('\n')
        .filter(id => id !== '' && !derived.includes(id));
      if (made.length > 0) docker('rmi', '-f', ...made);
      docker('rmi', '-f', tag);
    }
  });
  it('the image of devcontainer.json counts; a file that is more than that needs the devcontainer CLI', async () => {
    await using box = makeSandbox();
    fs.mkdirSync(path.join(box.repository, '.devcontainer'));
    const file = path.join(box.repository, '.devcontainer/devcontainer.json');
    fs.writeFileSync(file, '{ // comment\n "image": "no/such:one", }');
    box.git('add', '.');
    box.git('commit', '-qm', 'Add devcontainer');
    expect(await box.hjk('run', 'b')).toMatchObject({
      code: 7,
      stderr: expect.stringContaining('image no/such:one') as string,
    });
    fs.writeFileSync(file, '{"build": {"dockerfile": "Dockerfile"}}');
    box.git('commit', '-qam', 'Build it');
    expect(await box.hjk('run', 'b')).toMatchObject({
      code: 7,
      stderr: expect.stringMatching(
        /devcontainer\.json[\s\S]*hjk devcontainer install[\s\S]*--image/,
      ) as string,
    });
    await box.ok('run', 'b', '--image', testImage);
  });
  it('without an engine, or without the right to use it, each command says what to do', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'b');
    const env = { ...box.env, [hostVariable]: 'unix:///nowhere/engine.sock' };
    const at = (...args: string[]): ReturnType<typeof box.hjk> =>
      runProgram(cli, args, { cwd: box.repository, env });
    expect(await at('run', 'c')).toMatchObject({
      code: 7,
      stderr: expect.stringContaining('no container engine answers at /nowhere/engine.sock') as string,
    });
    expect(await at('ps')).toMatchObject({
      code: 7,
      stdout: expect.stringMatching(/b +unknown/) as string,
      stderr: expect.stringContaining('Warning: no container engine') as string,
    });
    const remote = await runProgram(cli, ['run', 'c'], {
      cwd: box.repository,
      env: { ...box.env, [hostVariable]: 'tcp://10.0.0.1:2375' },
    });
    expect(remote).toMatchObject({ code: 7, stderr: expect.stringContaining('another machine') as string });
    expect(box.catalog().entries).toHaveLength(1);
    fs.chmodSync(box.folder, 0o755);
    fs.chmodSync(box.home, 0o777);
    const closed = path.join(box.folder, onPodman ? 'podman.sock' : 'docker.sock');
    await using server = net.createServer().listen(closed);
    await once(server, 'listening');
    fs.chmodSync(closed, 0o600);
    const root = process.getuid!() === 0;
    if (!root) fs.chmodSync(closed, 0);
    const asOther = root ? ['setpriv', '--reuid', '4321', '--regid', '4321', '--clear-groups'] : ['env'];
    const other = await runProgram(
      asOther[0]!,
      [...asOther.slice(1), cli, '-C', box.repository, 'ps', '--all'],
      {
        cwd: '/',
        env: {
          ...box.env,
          HEADJACK_STATE_DIR: path.join(box.home, 'other'),
          [hostVariable]: `unix://${closed}`,
        },
      },
    );
    expect(other).toMatchObject({
      code: 7,
      stderr: expect.stringMatching(
        onPodman ? /may not use[\s\S]*systemctl --user/ : /may not use[\s\S]*usermod -aG docker/,
      ) as string,
    });
  });
});

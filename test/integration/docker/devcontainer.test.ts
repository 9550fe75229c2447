import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { disagreements } from '../../faults/agreement.ts';
import { startRegistry } from '../../support/registry.ts';
import {
  buildTestImage,
  docker,
  ended,
  freePort,
  makeSandbox,
  onPodman,
  ownerOf,
  root,
  testImage,
  until,
  type Sandbox,
  uidInside,
} from '../../support/sandbox.ts';

const env = {
  HEADJACK_DEVCONTAINER_PATH: path.join(root, 'node_modules/.bin/devcontainer'),
  // BuildKit fetches its frontend, docker/dockerfile:1.4, for features
  DOCKER_BUILDKIT: process.env['HJK_TEST_BUILDKIT'] ?? '0',
};
const uid = process.getuid!();

/** Puts files into the repository's main branch. */
function commit(box: Sandbox, files: Record<string, unknown>): void {
  for (const [name, content] of Object.entries(files)) {
    const place = path.join(box.repository, name);
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.writeFileSync(place, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  }
  box.git('add', '.');
  box.git('commit', '-qm', 'Change the dev container');
}

const config = '.devcontainer/devcontainer.json';
const dockerfile = `FROM ${testImage}
RUN echo dev:x:1234:1234::/home/dev:/bin/sh >> /etc/passwd && echo dev:x:1234: >> /etc/group && mkdir -p /home/dev && echo mine > /home/dev/tool && chown -R 1234:1234 /home/dev
`;
const inside = (box: Sandbox, branch: string, script: string): Promise<string> =>
  box.ok('exec', branch, '--no-mux', 'sh', '-c', script);
/** What the dev containers of a sandbox have left on the engine. */
function left(box: Sandbox): string[] {
  const owner = ownerOf(path.join(box.stateRoot, 'catalog.json'));
  const lines = (...args: string[]): string[] =>
    docker(...args)
      .split('\n')
      .filter(Boolean);
  const ids = lines('images', '-q', '--filter', 'label=dev.headjack.devcontainer');
  return [
    ...lines('ps', '-aq', '--filter', `label=dev.headjack.owner=${owner}`),
    ...ids.filter(id =>
      docker('inspect', '--format', '{{index .Config.Labels "dev.headjack.devcontainer"}}', id).startsWith(
        owner,
      ),
    ),
    ...lines('volume', 'ls', '-q').filter(name => seen.some(id => name.includes(id))),
    ...lines('network', 'ls', '--format', '{{.Name}}').filter(name => seen.some(id => name.includes(id))),
    // podman keeps folders of its own there
    ...fs.readdirSync(path.join(box.folder, 'tmp')).filter(name => /hjk|devcontainer/.test(name)),
  ];
}
/** Told from the steps of every other build. */
const failingStep = `why-${String(process.pid)}`;
/** Names of volumes and networks that instances were seen to have. */
const seen: string[] = [];

/** An image whose label says what its dev containers are made with. */
async function withLabelled(metadata: unknown, use: (tag: string) => Promise<void>): Promise<void> {
  const tag = `hjk-test:labelled-${String(process.pid)}`;
  buildTestImage(tag, `FROM ${testImage}\nLABEL devcontainer.metadata='${JSON.stringify(metadata)}'\n`);
  try {
    await use(tag);
  } finally {
    docker('rmi', '-f', tag);
  }
}

describe('a devcontainer.json', () => {
  it('as a whole: build, a local feature, users, variables, mounts, ports, commands; git works, masks hold', async () => {
    await using box = makeSandbox({ env });
    const port = await freePort();
    commit(box, {
      [config]: {
        build: { dockerfile: 'Dockerfile' },
        features: { './feature': { option: 'given' } },
        remoteUser: 'dev',
        workspaceFolder: '/workspaces/project',
        containerEnv: { ONE: 'at ${containerWorkspaceFolder}' },
        remoteEnv: { TWO: 'with ${containerEnv:ONE}' },
        mounts: ['source=cache-${devcontainerId},target=/cache,type=volume'],
        forwardPorts: [port],
        onCreateCommand: 'echo create $(id -u) $PWD > /tmp/life',
        postCreateCommand: { a: 'echo a >> /tmp/life', b: ['sh', '-c', 'echo b $TWO >> /tmp/b'] },
        postStartCommand: 'echo start >> /tmp/life',
      },
      '.devcontainer/Dockerfile': dockerfile,
      '.devcontainer/feature/devcontainer-feature.json': {
        id: 'feature',
        version: '1.0.0',
        options: { option: { type: 'string', default: 'none' } },
        containerEnv: { THREE: 'of the feature' },
      },
      '.devcontainer/feature/install.sh': '#!/bin/sh\necho $OPTION > /feature\n',
    });
    await box.ok('run', 'x');
    const { id, worktree } = box.catalog().entries[0]!;
    expect(
      await inside(
        box,
        'x',
        'id -u; whoami; echo $HOME; cat ~/tool /feature; echo $ONE; echo $TWO; echo $THREE',
      ),
    ).toBe(
      `${uidInside(uid)}\n${uidInside(uid) === 0 ? 'root' : 'dev'}\n/home/dev\nmine\ngiven\nat ${worktree}\nwith at ${worktree}\nof the feature\n`,
    );
    expect(
      await inside(box, 'x', 'cat /tmp/life /tmp/b; test -d /cache; cd /workspaces/project && pwd -P'),
    ).toBe(`create ${uidInside(uid)} ${worktree}\na\nstart\nb with at ${worktree}\n${worktree}\n`);
    await inside(box, 'x', 'echo 1 > new && git add new && git commit -qm new');
    expect(await inside(box, 'x', 'git status --short')).toBe('');
    expect(fs.statSync(path.join(worktree, 'new')).uid).toBe(uid);
    for (const place of [path.join(box.repository, '.git/hooks/post-checkout'), path.join(worktree, '.git')])
      expect((await box.hjk('exec', 'x', '--no-mux', 'sh', '-c', `echo x > ${place}`)).code).not.toBe(0);
    const server = box.spawn(['exec', 'x', '--no-mux', 'nc', '-lp', String(port), '-e', 'echo', 'through']);
    let heard = '';
    await until('the port is open', async () => {
      heard = await hear(port);
      return heard !== '';
    });
    expect(heard).toBe('through\n');
    server.kill();
    const volumes = docker(
      'inspect',
      '--format',
      '{{range .Mounts}}{{.Name}} {{end}}',
      box.catalog().entries[0]!.container_id,
    );
    seen.push(/cache-(\S+)/.exec(volumes)![1]!);
    await box.ok('stop', 'x');
    await box.ok('run', 'x');
    expect(await inside(box, 'x', 'cat /tmp/life')).toBe(
      `create ${uidInside(uid)} ${worktree}\na\nstart\nstart\n`,
    );
    expect(JSON.parse(await box.ok('ps', '--json'))).toMatchObject({ instances: [{ id, weakened: [] }] });
    expect((await box.hjk('doctor')).code).toBe(0);
    await box.ok('rm', 'x', '--force', '-D');
    expect(left(box)).toEqual([]);
  });

  it('that reaches this machine does nothing before a user has approved these very files', async () => {
    await using box = makeSandbox({ env });
    const ran = path.join(box.folder, 'ran');
    const wanted = {
      image: testImage,
      initializeCommand: 'sh tools/init.sh',
      mounts: [`source=${box.folder}/home,target=/of-the-host,type=bind,readonly`],
      runArgs: ['--add-host', 'a:10.0.0.1'],
      capAdd: ['SYS_PTRACE'],
    };
    commit(box, { [config]: wanted, 'tools/init.sh': `echo "$PWD" >> ${ran}\t# \u001b[8mno secret\n` });
    const refused = await box.hjk('run', 'x', '--json');
    expect(refused.code).toBe(5);
    expect(JSON.parse(refused.stderr)).toMatchObject({
      error: {
        code: 'untrusted',
        details: [
          expect.stringMatching(/^initializeCommand .*tools\/init.sh/),
          expect.stringMatching(/^capability SYS_PTRACE/),
          expect.stringMatching(/^mount .*\/home at \/of-the-host/),
        ],
        hint: expect.stringContaining('hjk trust x') as string,
      },
    });
    expect(fs.existsSync(ran)).toBe(false);
    expect(box.git('branch', '--list', 'x')).toBe('');
    expect(await box.hjk('trust', 'x')).toMatchObject({
      code: 5,
      stdout: expect.stringMatching(
        /\+echo "\$PWD".*\t# \\x1b\[8mno secret\n[\s\S]*capability SYS_PTRACE/,
      ) as string,
    });
    expect((await box.hjk('run', 'x')).code).toBe(5);
    await box.ok('trust', 'x', '--yes');
    await box.ok('run', 'x');
    const { worktree, container_id: container } = box.catalog().entries[0]!;
    expect(fs.readFileSync(ran, 'utf8')).toBe(`${worktree}\n`);
    expect(docker('inspect', '--format', '{{.HostConfig.CapAdd}}', container)).toContain('SYS_PTRACE');
    const { instances } = JSON.parse(await box.ok('ps', '--json')) as { instances: { weakened: string[] }[] };
    expect(instances[0]?.weakened).toHaveLength(3);

    // the agent changes what is run here
    await inside(box, 'x', 'echo "echo evil" >> tools/init.sh');
    expect((await box.hjk('recreate', 'x', '--yes')).code).toBe(5);
    expect(box.catalog().entries[0]).toMatchObject({ status: 'running', container_id: container });
    const shown = await box.hjk('trust', 'x');
    expect(shown.stdout).toMatch(/^\+echo evil$/m);
    expect(shown.stdout).not.toContain('"image"'); // that is as it was
    // other branches have it as it was approved
    await box.ok('run', 'y');
    await box.ok('rm', 'y', '--yes');
    expect(await box.ok('trust', 'x', '--revoke')).toBe('Took back 1 approval\n');
    expect((await box.hjk('run', 'y')).code).toBe(5);
    await box.ok('run', 'y', '--image', testImage);
    await box.ok('rm', 'x', '--force');
    await box.ok('rm', 'y', '--force');
    expect(left(box)).toEqual([]);
  });

  it('whose image brings in more is refused when that shows, and leaves nothing', async () => {
    await using box = makeSandbox({ env: { ...env, TOKEN: 'of this machine' } });
    await withLabelled(
      [
        {
          capAdd: ['NET_ADMIN'],
          containerEnv: { TAKEN: '${localEnv:TOKEN}' },
          postCreateCommand: 'echo label > /tmp/label',
        },
      ],
      async tag => {
        commit(box, { [config]: { image: tag } });
        expect(await box.hjk('run', 'x')).toMatchObject({
          code: 5,
          stderr: expect.stringMatching(
            /capability NET_ADMIN[\s\S]*variable TOKEN[\s\S]*hjk trust x/,
          ) as string,
        });
        expect(box.catalog().entries).toEqual([]);
        expect(left(box)).toEqual([]);
        await box.ok('trust', 'x', '--yes');
        await box.ok('run', 'x');
        expect(await inside(box, 'x', 'cat /tmp/label; echo $TAKEN')).toBe('label\nof this machine\n');
        await box.ok('rm', 'x', '--force');
      },
    );
  });

  it('of several with names is chosen, and stays so', async () => {
    await using box = makeSandbox({ env });
    const file = (name: string): Record<string, unknown> => ({
      build: { dockerfile: '../Dockerfile' },
      features: { '../feature': {} },
      containerEnv: { NAME: name },
      postCreateCommand: `echo ${name} > /tmp/made`,
    });
    commit(box, {
      '.devcontainer/one/devcontainer.json': file('one'),
      '.devcontainer/two/devcontainer.json': { ...file('two'), runArgs: ['--cap-add=SYS_PTRACE'] },
      '.devcontainer/Dockerfile': `FROM ${testImage}\n`,
      '.devcontainer/feature/devcontainer-feature.json': { id: 'feature', version: '1.0.0' },
      '.devcontainer/feature/install.sh': '#!/bin/sh\necho common > /feature\n',
    });
    expect(await box.hjk('run', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/2 dev containers.*one, two[\s\S]*--devcontainer one/) as string,
    });
    expect((await box.hjk('run', 'x', '--devcontainer', 'one', '--image', testImage)).code).toBe(2);
    expect(await box.hjk('run', 'x', '--devcontainer', 'two')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('hjk trust x --devcontainer two') as string,
    });
    await box.ok('trust', 'x', '--devcontainer', 'two', '--yes');
    await box.ok('run', 'x', '--devcontainer', 'two');
    const shown = 'cat /tmp/made /feature; echo $NAME';
    expect(await inside(box, 'x', shown)).toBe('two\ncommon\ntwo\n');
    expect(await box.hjk('run', 'x', '--devcontainer', 'one')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('--devcontainer: made with') as string,
    });
    await box.ok('run', 'x', '--devcontainer', '.devcontainer/two');
    await box.ok('recreate', 'x', '--yes');
    expect(await inside(box, 'x', shown)).toBe('two\ncommon\ntwo\n');
    await box.ok('recreate', 'x', '--yes', '--devcontainer', 'one');
    expect(await inside(box, 'x', shown)).toBe('one\ncommon\none\n');
    await box.ok('rm', 'x', '--force');
    expect(left(box)).toEqual([]);
  });

  it('takes features from a registry, with its password; what one brings in waits for approval', async () => {
    const login = { user: 'me', word: 'secret-of-the-registry' };
    await using box = makeSandbox({ env });
    await using registry = await startRegistry(login);
    const auth = Buffer.from(`${login.user}:${login.word}`).toString('base64');
    const source = path.join(box.folder, 'features');
    for (const [id, more] of Object.entries({ tool: {}, wide: { capAdd: ['SYS_PTRACE'] } })) {
      const folder = path.join(source, 'src', id);
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(
        path.join(folder, 'devcontainer-feature.json'),
        JSON.stringify({ id, name: id, version: '1.2.3', options: { word: { type: 'string' } }, ...more }),
      );
      fs.writeFileSync(path.join(folder, 'install.sh'), `#!/bin/sh\necho ${id} $WORD > /${id}\n`);
    }
    const dockerConfig = path.join(box.home, '.docker', 'config.json');
    fs.mkdirSync(path.dirname(dockerConfig), { recursive: true });
    fs.writeFileSync(dockerConfig, JSON.stringify({ auths: { [registry.host]: { auth } } }));
    execFileSync(
      env.HEADJACK_DEVCONTAINER_PATH,
      [
        'features',
        'publish',
        path.join(source, 'src'),
        '--registry',
        registry.host,
        '--namespace',
        'team/own',
      ],
      { env: { PATH: process.env['PATH'], HOME: box.home }, stdio: 'ignore' },
    );
    const at = (id: string, word: string): Record<string, unknown> => ({
      [`${registry.host}/team/own/${id}:1`]: { word },
    });
    const build = { build: { dockerfile: 'Dockerfile' } };
    commit(box, {
      [config]: { ...build, features: at('tool', 'given') },
      '.devcontainer/Dockerfile': `FROM ${testImage}\n`,
    });
    await box.ok('run', 'x');
    expect(await inside(box, 'x', 'cat /tool; git status --short')).toBe('tool given\n');

    commit(box, { [config]: { ...build, features: { ...at('tool', 'a'), ...at('wide', 'b') } } });
    expect(await box.hjk('run', 'y')).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/capability SYS_PTRACE[\s\S]*hjk trust y/) as string,
    });
    expect(box.catalog().entries).toHaveLength(1);
    await box.ok('trust', 'y', '--yes');
    await box.ok('run', 'y');
    expect(await inside(box, 'y', 'cat /tool /wide')).toBe('tool a\nwide b\n');
    fs.writeFileSync(dockerConfig, '{}');
    expect(await box.hjk('recreate', 'y', '--yes')).toMatchObject({ code: 8 });
    for (const branch of ['x', 'y']) await box.ok('rm', branch, '--force');
    expect(left(box)).toEqual([]);
  });

  it('is read from the worktree alone: a link in the way of a path leads nowhere', async () => {
    await using box = makeSandbox({ env });
    fs.mkdirSync(path.join(box.folder, 'elsewhere'));
    fs.writeFileSync(path.join(box.folder, 'elsewhere', 'Dockerfile'), dockerfile);
    fs.symlinkSync(path.join(box.folder, 'elsewhere'), path.join(box.repository, 'linked'));
    for (const build of [
      { dockerfile: '../linked/Dockerfile' },
      { dockerfile: 'Dockerfile', context: '../linked' },
    ]) {
      commit(box, { [config]: { build }, '.devcontainer/Dockerfile': `FROM ${testImage}\n` });
      expect(await box.hjk('run', 'x')).toMatchObject({
        code: 5,
        stderr: expect.stringMatching(/worktree/) as string,
      });
      expect(box.catalog().entries).toEqual([]);
    }
    expect(left(box)).toEqual([]);
  });

  it('that was changed since runs no start commands before it is approved', async () => {
    await using box = makeSandbox({ env: { ...env, TOKEN: 'secret-of-the-host' } });
    commit(box, { [config]: { image: testImage, postStartCommand: 'echo start >> /tmp/life' } });
    await box.ok('run', 'x');
    const changed = {
      image: testImage,
      remoteEnv: { STOLEN: '${localEnv:TOKEN}' },
      postStartCommand: 'echo $STOLEN >> /tmp/life',
      initializeCommand: `touch ${box.folder}/ran`,
    };
    await inside(box, 'x', `cat > ${config} <<'END'\n${JSON.stringify(changed)}\nEND`);
    await box.ok('stop', 'x');
    const again = await box.hjk('-v', 'run', 'x');
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('not approved') as string });
    expect(await inside(box, 'x', 'cat /tmp/life')).toBe('start\n');
    expect(fs.existsSync(path.join(box.folder, 'ran'))).toBe(false);
    // a file that is broken keeps nobody out either
    await inside(box, 'x', `echo '{' > ${config}`);
    await box.ok('stop', 'x');
    await box.ok('run', 'x');
  });

  it.each<[string, Record<string, unknown>, string, RegExp]>([
    ['a command that fails', { postCreateCommand: 'echo why >&2; exit 3' }, dockerfile, /postCreateCommand/],
    ['a build that fails', {}, `FROM ${testImage}\nRUN echo ${failingStep}; exit 3\n`, /building|non-zero/i],
    ['a user that is not there', { remoteUser: 'nobody-knows' }, dockerfile, /no user "nobody-knows"/],
    [
      'a mount over what is ours',
      { mounts: ['target=/headjack,type=tmpfs'] },
      dockerfile,
      /\/headjack is the instance's own/,
    ],
  ])('%s: the reason is told, and nothing is left', async (_, more, text, reason) => {
    await using box = makeSandbox({ env });
    commit(box, {
      [config]: { build: { dockerfile: 'Dockerfile' }, ...more },
      '.devcontainer/Dockerfile': text,
    });
    const ran = await box.hjk('run', 'x');
    expect(ran.stderr).toMatch(reason);
    expect([2, 8]).toContain(ran.code);
    expect(box.catalog().entries).toEqual([]);
    expect(box.git('branch', '--list', 'x')).toBe('');
    expect(left(box)).toEqual([]);
    expect(docker('ps', '-a', '--no-trunc', '--format', '{{.Command}}')).not.toContain(failingStep);
  });

  it('is taken as the worktree has it when its container is made anew; what fails keeps the instance', async () => {
    await using box = makeSandbox({ env });
    const file = { image: testImage, postCreateCommand: 'echo one > /tmp/one' };
    commit(box, { [config]: file });
    await box.ok('run', 'x');
    await inside(box, 'x', `echo '${JSON.stringify({ ...file, postCreateCommand: 'false' })}' > ${config}`);
    expect((await box.hjk('recreate', 'x', '--yes')).code).toBe(8);
    expect(box.catalog().entries[0]).toMatchObject({ status: 'stopped', container_id: '' });
    const { worktree } = box.catalog().entries[0]!;
    fs.writeFileSync(
      path.join(worktree, config),
      JSON.stringify({ ...file, postCreateCommand: 'echo two > /tmp/two' }),
    );
    await box.ok('run', 'x');
    expect(await inside(box, 'x', 'cat /tmp/two')).toBe('two\n');
    await box.ok('recreate', 'x', '--yes', '--image', testImage);
    expect((await box.hjk('exec', 'x', '--no-mux', 'cat', '/tmp/two')).code).toBe(1);
  });

  it('of several branches at once: each gets its own', async () => {
    await using box = makeSandbox({ env });
    const names = ['a', 'b'];
    for (const name of names) {
      box.git('checkout', '-q', '-b', `of-${name}`, 'main');
      commit(box, {
        [config]: { build: { dockerfile: 'Dockerfile' }, features: { './feature': {} } },
        '.devcontainer/Dockerfile': `FROM ${testImage}\n`,
        '.devcontainer/feature/devcontainer-feature.json': { id: 'feature', version: '1.0.0' },
        '.devcontainer/feature/install.sh': `#!/bin/sh\necho ${name} > /feature\n`,
      });
    }
    box.git('checkout', '-q', 'main');
    await Promise.all(names.map(name => box.ok('run', `of-${name}`)));
    for (const name of names) expect(await inside(box, `of-${name}`, 'cat /feature')).toBe(`${name}\n`);
    for (const name of names) await box.ok('rm', `of-${name}`, '--force');
    expect(left(box)).toEqual([]);
  });

  it.each(['SIGKILL', 'SIGINT'] as const)(
    'hjk ended by %s half-way: the next run has it whole',
    async signal => {
      await using box = makeSandbox({ env });
      const mark = path.join(box.folder, 'home', 'mark');
      commit(box, {
        [config]: {
          image: testImage,
          mounts: [`source=${box.home},target=/mark,type=bind`],
          postCreateCommand: '[ -e /mark/mark ] || { touch /mark/mark; sleep 60; }; echo whole > /tmp/whole',
        },
      });
      await box.ok('trust', 'x', '--yes');
      const first = box.spawn(['run', 'x']);
      const over = ended(first);
      await until('the command runs', () => fs.existsSync(mark), 60_000);
      first.kill(signal);
      await over;
      await box.ok('run', 'x');
      expect(await inside(box, 'x', 'cat /tmp/whole')).toBe('whole\n');
      expect(await box.hjk('doctor', '--fix')).toMatchObject({ code: 0 });
      expect(disagreements(box)).toEqual([]);
      await box.ok('rm', 'x', '--force');
      expect(left(box)).toEqual([]);
    },
  );
});

describe('compose files', () => {
  it('make the dev container and what is beside it; stop, start and rm go for all', async () => {
    await using box = makeSandbox({ env });
    const everybodys = `hjk-test:everybodys-${String(process.pid)}`;
    commit(box, {
      [config]: {
        dockerComposeFile: 'compose.yml',
        service: 'app',
        workspaceFolder: '/workspace',
        remoteUser: 'dev',
        postCreateCommand: 'id -u > /tmp/life',
      },
      '.devcontainer/Dockerfile': dockerfile,
      '.devcontainer/compose.yml': [
        'version: "3.7"',
        'services:',
        '  app:',
        '    build: .',
        `    image: ${everybodys}`,
        '    command: sleep infinity',
        '    volumes: ["..:/workspace:cached", "data:/data"]',
        '    depends_on: [db]',
        '  db:',
        `    image: ${testImage}`,
        '    container_name: database',
        '    command: sleep 100000',
        'volumes: {data: {}}',
      ].join('\n'),
    });
    // compose cannot keep ids on an ordinary user's podman, whose root is that user
    const shown = onPodman ? 0 : uidInside(uid);
    await box.ok('run', 'x', '--memory', '256m', '-e', 'MINE=1');
    const { id, worktree, container_id: container } = box.catalog().entries[0]!;
    seen.push(`hjk-${id}`);
    const states = (): string[] =>
      docker('ps', '-a', '--filter', `label=com.docker.compose.project=hjk-${id}`, '--format', '{{.State}}')
        .split('\n')
        .filter(Boolean);
    expect(states()).toEqual(['running', 'running']);
    // names for the whole engine are not the file's to give
    expect(docker('images', '-q', everybodys)).toBe('');
    expect(docker('ps', '-aq', '--filter', 'name=^database$')).toBe('');
    expect(await inside(box, 'x', 'id -u; cat /tmp/life; echo $MINE; test -d /data; pwd')).toBe(
      `${shown}\n${shown}\n1\n/workspace\n`,
    );
    if (!onPodman)
      expect(docker('inspect', '--format', '{{.HostConfig.Memory}}', container)).toBe(`${256 * 1024 ** 2}\n`);
    expect(await inside(box, 'x', 'git commit -q --allow-empty -m inside && git log -1 --format=%s')).toBe(
      'inside\n',
    );
    for (const place of ['/workspace/.git', `${worktree}/.git`])
      expect((await box.hjk('exec', 'x', '--no-mux', 'sh', '-c', `echo x > ${place}`)).code).not.toBe(0);
    await box.ok('stop', 'x');
    expect(states()).toEqual(['exited', 'exited']);
    await box.ok('exec', 'x', '--no-mux', 'true');
    expect(states()).toEqual(['running', 'running']);
    expect((await box.hjk('doctor')).code).toBe(0);
    await box.ok('rm', 'x', '--force');
    expect(left(box)).toEqual([]);
  });

  it.each([
    ['..:/workspaces/app:cached', '/workspaces/app', '/workspaces/app'],
    ['../..:/workspaces:cached', '/workspaces/${localWorkspaceFolderBasename}', '/workspaces/x'],
  ])(
    'that mount the worktree where they work (%s): not a file of it is touched',
    async (mount, folder, place) => {
      await using box = makeSandbox({ env });
      commit(box, {
        [config]: { dockerComposeFile: 'compose.yml', service: 'app', workspaceFolder: folder },
        '.devcontainer/compose.yml': `version: "3.7"\nservices:\n  app:\n    image: ${testImage}\n    command: sleep infinity\n    volumes: ["${mount}"]\n`,
      });
      await box.ok('run', 'x', '--image', testImage);
      const { worktree } = box.catalog().entries[0]!;
      fs.writeFileSync(path.join(worktree, 'new'), 'precious');
      fs.appendFileSync(path.join(worktree, 'README.md'), 'more\n');
      await box.hjk('trust', 'x', '--yes');
      await box.ok('recreate', 'x', '--yes', '--devcontainer', config);
      expect(fs.readFileSync(path.join(worktree, 'new'), 'utf8')).toBe('precious');
      expect(await inside(box, 'x', `cd ${place} && git status --short && ls new`)).toBe(
        ' M README.md\n?? new\nnew\n',
      );
      expect((await box.hjk('exec', 'x', '--no-mux', 'sh', '-c', `echo x > ${place}/.git`)).code).not.toBe(0);
      await box.ok('rm', 'x', '--force');
      expect(left(box)).toEqual([]);
    },
  );

  it("are the branch's in every service: each is masked and restricted as the dev container is", async () => {
    await using box = makeSandbox({ env });
    commit(box, {
      [config]: { dockerComposeFile: 'compose.yml', service: 'app', workspaceFolder: '/workspace' },
      '.devcontainer/compose.yml': [
        'version: "3.7"',
        'services:',
        '  app:',
        `    image: ${testImage}`,
        '    command: sleep infinity',
        '  beside:',
        `    image: ${testImage}`,
        '    command: sh -c "(echo x >/w/.git; rm /w/.git; mv /w/.git /w/x) 2>/dev/null; touch /w/tried; sleep 100000"',
        '    volumes: ["..:/w"]',
      ].join('\n'),
    });
    await box.ok('run', 'x');
    const { id, worktree } = box.catalog().entries[0]!;
    seen.push(`hjk-${id}`);
    await until('it tried', () => fs.existsSync(path.join(worktree, 'tried')));
    expect(fs.readFileSync(path.join(worktree, '.git'), 'utf8')).toMatch(/^gitdir: /);
    const beside = docker('ps', '-q', '--filter', `label=dev.headjack.part=${id}`).trim();
    expect(docker('inspect', '--format', '{{.HostConfig.SecurityOpt}}', beside)).toContain(
      'no-new-privileges',
    );
    await box.ok('rm', 'x', '--force');
    expect(left(box)).toEqual([]);
  });

  it('that reach this machine, themselves or by what they extend, do nothing unapproved', async () => {
    await using box = makeSandbox({ env });
    const compose = (more: string): string =>
      `version: "3.7"\nservices:\n  app:\n    image: ${testImage}\n    command: sleep infinity\n${more}`;
    const file = { dockerComposeFile: 'compose.yml', service: 'app', workspaceFolder: '/x' };
    commit(box, {
      [config]: file,
      '.devcontainer/compose.yml': compose('    volumes: ["/etc:/host-etc:ro"]\n'),
    });
    expect(await box.hjk('run', 'x')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('service app: mount /etc at /host-etc') as string,
    });
    // in a file that only compose itself finds
    commit(box, {
      '.devcontainer/compose.yml': compose('    extends: {file: more.yml, service: base}\n'),
      '.devcontainer/more.yml': 'version: "3.7"\nservices:\n  base:\n    volumes: ["/etc:/host-etc:ro"]\n',
    });
    expect((await box.hjk('run', 'x')).stderr).toContain('service app: extends "more.yml"');
    await box.ok('trust', 'x', '--yes');
    expect(await box.hjk('run', 'x')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('service app: mount /etc at /host-etc') as string,
    });
    expect(box.catalog().entries).toEqual([]);
    expect(left(box)).toEqual([]);
  });
});

it('the devcontainer CLI is installed on request, under the state root', async () => {
  const npm = (key: string): string =>
    execFileSync('npm', ['config', 'get', key], { encoding: 'utf8' })
      .trim()
      .replace(/^null$/, '');
  await using box = makeSandbox({
    // the user's own way to the registry
    env: {
      npm_config_registry: npm('registry'),
      ...(npm('cafile') === '' ? {} : { npm_config_cafile: npm('cafile') }),
    },
  });
  expect(await box.ok('devcontainer', 'status')).toBe('devcontainer CLI: not installed\n');
  expect(await box.ok('devcontainer', 'install')).toContain(`${box.stateRoot}/tools/`);
  commit(box, { [config]: { image: testImage, postCreateCommand: 'echo works > /tmp/works' } });
  await box.ok('run', 'x');
  expect(await inside(box, 'x', 'cat /tmp/works')).toBe('works\n');
});

/** What a server says to whoever connects; '' where none listens. */
function hear(port: number): Promise<string> {
  return new Promise(resolve => {
    let text = '';
    const socket = net.connect(port, '127.0.0.1');
    socket.on('data', chunk => (text += String(chunk)));
    for (const event of ['close', 'error'] as const)
      socket.once(event, () => {
        resolve(text);
      });
    socket.setTimeout(1000, () => socket.destroy());
  });
}

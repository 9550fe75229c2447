import { describe, expect, it } from 'vitest';
import {
  collectContent,
  type BranchFile,
  type DevcontainerContent,
} from '../../../src/devcontainer/branch-files.ts';
import {
  devcontainerId,
  needsBuilder,
  parseDevcontainer,
  substitute,
} from '../../../src/devcontainer/config.ts';
import { findReaches } from '../../../src/devcontainer/reaches.ts';

const inside = { worktree: '${localWorkspaceFolder}', devcontainerId: '${devcontainerId}' };

const file = '.devcontainer/devcontainer.json';

function contentOf(
  config: Record<string, unknown>,
  all: readonly BranchFile[],
): Promise<DevcontainerContent> {
  const own = all.filter(f => f.path.startsWith('.devcontainer/'));
  return collectContent(file, own, config, ({ files }) =>
    Promise.resolve(all.filter(f => files.includes(f.path))),
  );
}

/** What a configuration reaches, with other files of the branch beside it. */
async function reaches(
  config: Record<string, unknown>,
  files: Record<string, string> = {},
  links: Record<string, string> = {},
): Promise<string[]> {
  const all: BranchFile[] = [
    ...Object.entries({ '.devcontainer/devcontainer.json': JSON.stringify(config), ...files }).map(
      ([path, text]) => ({ path, link: false, content: Buffer.from(text) }),
    ),
    ...Object.entries(links).map(([path, to]) => ({ path, link: true, content: Buffer.from(to) })),
  ];
  return findReaches(config, await contentOf(config, all), inside);
}

describe('a devcontainer.json that stays in its container', () => {
  it.each<[string, Record<string, unknown>]>([
    ['an image', { image: 'node:22' }],
    ['a build of the worktree', { build: { dockerfile: 'Dockerfile', context: '..', args: { A: '1' } } }],
    ['lifecycle commands', { image: 'x', postCreateCommand: 'npm ci', postStartCommand: ['a', 'b'] }],
    ['a port on this machine alone', { image: 'x', appPort: [3000, '127.0.0.1:80:80'], forwardPorts: [1] }],
    ['a volume of its own', { image: 'x', mounts: ['source=v-${devcontainerId},target=/v,type=volume'] }],
    ['a tmpfs', { image: 'x', mounts: [{ type: 'tmpfs', target: '/t' }] }],
    ['the worktree again', { image: 'x', mounts: ['type=bind,source=${localWorkspaceFolder},target=/w'] }],
    ['limits', { image: 'x', runArgs: ['--memory=4g', '--cpus', '2', '--shm-size', '1g', '--init'] }],
    ['no capabilities', { image: 'x', runArgs: ['--cap-drop', 'ALL', '--network=none'] }],
    ['an empty command', { image: 'x', initializeCommand: '' }],
    ['variables of its own', { image: 'x', containerEnv: { A: '${containerEnv:B}' } }],
  ])('%s', async (_, config) => {
    expect(await reaches(config)).toEqual([]);
  });
});

describe('a devcontainer.json that reaches this machine', () => {
  it.each<[Record<string, unknown>, RegExp]>([
    [{ initializeCommand: 'curl x | sh' }, /^initializeCommand .*: curl x \| sh$/],
    [{ initializeCommand: ['sh', '-c', 'x'] }, /: sh -c x$/],
    [{ initializeCommand: { a: 'one', b: ['two'] } }, /: one$/],
    [{ privileged: true }, /^privileged/],
    [{ capAdd: ['SYS_ADMIN'] }, /^capability SYS_ADMIN/],
    [{ securityOpt: ['seccomp=unconfined'] }, /^security option seccomp=unconfined/],
    [{ securityOpt: ['no-new-privileges=false'] }, /^security option no-new-privileges=false/],
    [
      { mounts: ['source=${localEnv:HOME}/.ssh,target=/s,type=bind'] },
      /^mount \$\{localEnv:HOME\}\/.ssh at \/s/,
    ],
    [{ mounts: [{ type: 'bind', source: '/', target: '/host' }] }, /^mount \/ at \/host/],
    [{ mounts: ['type=bind,source=${localWorkspaceFolder}/data,target=/d'] }, /^mount .*\/data at \/d/],
    [{ mounts: ['type=bind,source=${localWorkspaceFolder}/..,target=/d'] }, /^mount .*\/\.\. at \/d/],
    [{ mounts: ['source=/var/run/docker.sock,target=/s,type=bind'] }, /root on this machine/],
    [{ mounts: ['source=shared,target=/v,type=volume'] }, /^volume shared/],
    [
      { mounts: ['type=volume,target=/v,volume-opt=type=none,volume-opt=device=/etc'] },
      /volume-opt type=none|volume-opt device=\/etc/,
    ],
    [{ runArgs: ['--privileged'] }, /^privileged/],
    [{ runArgs: ['-v', '/etc:/e'] }, /^mount \/etc at \/e/],
    [{ runArgs: ['-v/etc:/e'] }, /^mount \/etc at \/e/],
    [{ runArgs: ['--volume=/etc:/e'] }, /^mount \/etc at \/e/],
    [{ runArgs: ['--network', 'host'] }, /^network host/],
    [{ runArgs: ['--net=container:db'] }, /^network container:db/],
    [{ runArgs: ['--pid=host'] }, /^--pid host/],
    [{ runArgs: ['--device', '/dev/kvm'] }, /^device \/dev\/kvm/],
    [{ runArgs: ['--env-file', '/home/me/.env'] }, /^--env-file \/home\/me\/.env/],
    [{ runArgs: ['-e', 'SECRET'] }, /^variable SECRET/],
    [{ runArgs: ['-p', '8080:80'] }, /^port 8080:80/],
    [{ runArgs: ['--something-new'] }, /^--something-new/],
    [{ runArgs: ['-itv', '/etc:/e'] }, /-itv: no option/],
    [{ runArgs: ['alpine'] }, /alpine: no option/],
    [{ runArgs: ['--label', 'a', '--volumes-from', 'db'] }, /^--volumes-from db/],
    [{ appPort: '0.0.0.0:80:80' }, /^port 0\.0\.0\.0:80:80/],
    [{ hostRequirements: { gpu: 'optional' } }, /^gpus all/],
    [{ build: { dockerfile: 'Dockerfile', context: '../..' } }, /^build context \.\.\/\.\./],
    [{ build: { dockerfile: '/etc/passwd' } }, /^Dockerfile \/etc\/passwd/],
    [{ build: { options: ['--secret=id=x,src=/x'] } }, /^build option/],
    [{ build: { cacheFrom: 'type=local,src=/x' } }, /^build cache/],
    [{ containerEnv: { A: '${localEnv:TOKEN}' } }, /^variable TOKEN/],
    [{ remoteEnv: { A: '${env:TOKEN}' } }, /^variable TOKEN/],
  ])('%j', async (config, line) => {
    expect(await reaches({ image: 'x', ...config })).toContainEqual(expect.stringMatching(line));
  });

  it('by what a local feature brings', async () => {
    const feature = JSON.stringify({ id: 'f', privileged: true, mounts: ['source=/,target=/h,type=bind'] });
    const found = await reaches(
      { image: 'x', features: { './f': {} } },
      { '.devcontainer/f/devcontainer-feature.json': feature },
    );
    expect(found).toEqual([expect.stringMatching(/^privileged/), 'mount / at /h']);
  });
  it('by a link that leads out of the worktree', async () => {
    const found = await reaches(
      { image: 'x' },
      {},
      { '.devcontainer/a': '../README.md', '.devcontainer/b': '../../x' },
    );
    expect(found).toEqual([expect.stringMatching(/^link \.devcontainer\/b → \.\.\/\.\.\/x/)]);
  });
});

describe('what an approval is of', () => {
  const digest = async (config: Record<string, unknown>, files: Record<string, string>): Promise<string> =>
    (
      await contentOf(
        config,
        Object.entries(files).map(([path, text]) => ({ path, link: false, content: Buffer.from(text) })),
      )
    ).digest;
  const config = {
    initializeCommand: 'sh tools/init.sh && echo "done"',
    build: { dockerfile: '../Dockerfile' },
  };
  const files = {
    '.devcontainer/devcontainer.json': '{}',
    'tools/init.sh': 'a',
    Dockerfile: 'FROM x',
    other: '1',
  };
  it('every file that the configuration names, and no other', async () => {
    const before = await digest(config, files);
    expect(await digest(config, { ...files, other: '2' })).toBe(before);
    for (const name of ['.devcontainer/devcontainer.json', 'tools/init.sh', 'Dockerfile'])
      expect(await digest(config, { ...files, [name]: 'changed' })).not.toBe(before);
    expect(await digest(config, { ...files, '.devcontainer/new': '' })).not.toBe(before);
  });
  it('whatever git makes of line ends', async () => {
    expect(await digest(config, { ...files, 'tools/init.sh': 'a\r\nb' })).toBe(
      await digest(config, { ...files, 'tools/init.sh': 'a\nb' }),
    );
  });
});

describe('the configuration', () => {
  it('is JSON with comments; anything else names the file', () => {
    expect(parseDevcontainer('{ // x\n "image": "a", }', 'f')).toEqual({ image: 'a' });
    expect(parseDevcontainer('\ufeff{ "image": "a" }', 'f')).toEqual({ image: 'a' });
    for (const text of ['', '[]', '{', '"x"'])
      expect(() => parseDevcontainer(text, 'the-file')).toThrow(/the-file/);
  });
  it('with an image alone needs no CLI', () => {
    expect(needsBuilder({ image: 'a', name: 'n', customizations: {} })).toBe(false);
    expect(needsBuilder({ image: 'a', postCreateCommand: 'x' })).toBe(true);
    expect(needsBuilder({ build: {} })).toBe(true);
  });
  it('has its variables replaced as the specification says', () => {
    const variables = { env: { HOME: '/home/me' }, worktree: '/w/tree', devcontainerId: 'id' };
    expect(
      substitute(
        {
          a: ['${localEnv:HOME}/x', '${localEnv:NONE}', '${localEnv:NONE:fallback}'],
          b: '${localWorkspaceFolder}:${localWorkspaceFolderBasename}:${devcontainerId}',
          c: '${containerEnv:PATH}',
          d: 1,
        },
        variables,
      ),
    ).toEqual({
      a: ['/home/me/x', '', 'fallback'],
      b: '/w/tree:tree:id',
      c: '${containerEnv:PATH}',
      d: 1,
    });
  });
  it('has the id that the CLI makes of its labels', () => {
    expect(devcontainerId({ b: '2', a: '1' })).toBe(devcontainerId({ a: '1', b: '2' }));
    expect(devcontainerId({ a: '1' })).toMatch(/^[0-9a-v]{52}$/);
  });
});

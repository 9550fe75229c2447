import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { collectContent, type BranchFile } from '../../../src/devcontainer/branch-files.ts';
import { findComposeReaches, parseCompose } from '../../../src/devcontainer/compose.ts';
import { findLabelVariables } from '../../../src/devcontainer/host-variables.ts';
import { findReaches } from '../../../src/devcontainer/reaches.ts';
import { findReach, splitRunOptions } from '../../../src/devcontainer/run-options.ts';

type Part = Readonly<Record<string, unknown>>;

const inside = { worktree: '${localWorkspaceFolder}', devcontainerId: '${devcontainerId}' };
const main = '.devcontainer/devcontainer.json';

async function reachesOf(config: Part, files: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const all: BranchFile[] = Object.entries({ [main]: JSON.stringify(config), ...files }).map(
    ([path, text]) => ({ path, link: false, content: Buffer.from(text) }),
  );
  const own = all.filter(file => file.path.startsWith('.devcontainer/'));
  const content = await collectContent(main, own, config, wanted =>
    Promise.resolve(all.filter(file => wanted.files.includes(file.path))),
  );
  return findReaches(config, content, inside);
}

/** Merges what both say: lists and maps are joined. */
function join(a: Part, b: Part): Part {
  const merged: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const before = merged[key];
    if (Array.isArray(before) && Array.isArray(value))
      merged[key] = [...(before as unknown[]), ...(value as unknown[])];
    else if (isMap(before) && isMap(value)) merged[key] = join(before, value);
    else merged[key] = value;
  }
  return merged;
}
const isMap = (value: unknown): value is Part =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Where a variable of this machine can stand in a text. */
const localVariable = fc.constantFrom(
  '${localEnv:TOKEN}',
  '${localEnv:TOKEN:none}',
  '${env:TOKEN}',
  'a ${localEnv:HOME}/b',
  '${localEnv:A}${localEnv:B}',
);

const harmlessConfig: readonly Part[] = [
  { remoteUser: 'dev' },
  { containerEnv: { A: 'b', C: '${containerEnv:PATH}' } },
  { remoteEnv: { D: '${containerWorkspaceFolder}' } },
  { mounts: ['source=v-${devcontainerId},target=/v,type=volume', { type: 'tmpfs', target: '/t' }] },
  { runArgs: ['--init', '--memory=1g', '--cap-drop', 'ALL', '--add-host', 'db:10.0.0.1', '--label', 'a=b'] },
  { forwardPorts: [3000, 'db:5432'], appPort: [8080] },
  { postCreateCommand: 'npm ci', postStartCommand: { a: 'x', b: ['y', 'z'] } },
  { customizations: { vscode: { settings: { a: true } } } },
  { features: { './feature': { option: 'x' } } },
  { workspaceFolder: '/workspaces/app', shutdownAction: 'none' },
  { build: { dockerfile: 'Dockerfile', context: '..', args: { A: '1' }, target: 'dev' } },
];
const plantedConfig: readonly Part[] = [
  { initializeCommand: 'make' },
  { initializeCommand: ['make'] },
  { initializeCommand: { a: 'make' } },
  { privileged: true },
  { capAdd: ['NET_ADMIN'] },
  { securityOpt: ['apparmor=unconfined'] },
  { mounts: ['source=/etc,target=/e,type=bind'] },
  { mounts: ['type=bind,src=${localWorkspaceFolder}/..,dst=/e'] },
  { mounts: [{ type: 'bind', source: '/', target: '/host' }] },
  { mounts: ['source=shared,target=/v,type=volume'] },
  { mounts: ['type=volume,target=/v,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/etc'] },
  { appPort: ['80:80'] },
  { hostRequirements: { gpu: true } },
  { build: { context: '../..' } },
  { build: { options: ['-t', 'node:20'] } },
  { build: { options: ['--output=type=local,dest=/tmp/x'] } },
  { build: { options: ['--iidfile', '/tmp/x'] } },
  { build: { options: ['--metadata-file=/tmp/x'] } },
  { build: { options: ['--push'] } },
  { build: { options: ['--secret', 'id=x,src=/etc/shadow'] } },
  { build: { options: ['--ssh', 'default'] } },
  { build: { cacheFrom: ['type=local,src=/x'] } },
  ...[
    ['--privileged'],
    ['--pid', 'host'],
    ['--ipc=host'],
    ['--uts=host'],
    ['--userns=host'],
    ['--network=host'],
    ['--cgroupns=host'],
    ['--cgroup-parent', '/x'],
    ['--device=/dev/sda'],
    ['--device-cgroup-rule', 'c 1:1 rwm'],
    ['--gpus', 'all'],
    ['--volumes-from', 'other'],
    ['--env-file', '/home/u/.env'],
    ['--label-file', '/home/u/x'],
    ['-e', 'TOKEN'],
    ['--env=TOKEN'],
    ['-v', '/:/host'],
    ['--mount=type=bind,source=/,target=/host'],
    ['--sysctl', 'net.ipv4.ip_forward=1'],
    ['--security-opt', 'seccomp=unconfined'],
    ['--cap-add=ALL'],
    ['--group-add', 'docker'],
    ['--runtime', 'x'],
    ['--storage-opt', 'size=1'],
    ['--log-driver', 'syslog'],
    ['--annotation', 'run.oci.x=y'],
    ['--add-host', 'h:host-gateway'],
    ['--label', 'dev.headjack.instance=00000000'],
    ['--label=com.docker.compose.project=hjk-00000000'],
    ['--link', 'other'],
    ['--cidfile', '/tmp/x'],
    ['--oom-score-adj', '-1000'],
    ['--publish-all'],
    ['-p', '80'],
  ].map(runArgs => ({ runArgs })),
];
/** Places of a configuration in which a text can stand. */
const withText: readonly ((text: string) => Part)[] = [
  text => ({ containerEnv: { X: text } }),
  text => ({ remoteEnv: { X: text } }),
  text => ({ postCreateCommand: `echo ${text}` }),
  text => ({ postStartCommand: { a: ['echo', text] } }),
  text => ({ features: { './feature': { option: text } } }),
  text => ({ build: { args: { X: text } } }),
  text => ({ runArgs: ['--hostname', text] }),
  text => ({ remoteUser: text }),
  text => ({ workspaceFolder: text }),
  text => ({ name: text }),
  text => ({ customizations: { [text]: {} } }),
];

const partsOf = (all: readonly Part[]): fc.Arbitrary<Part> =>
  fc.subarray([...all]).map(parts => parts.reduce(join, { image: 'x' }));

describe('a devcontainer.json', () => {
  it('without a reach of this machine passes', async () => {
    await fc.assert(
      fc.asyncProperty(partsOf(harmlessConfig), async config => {
        expect(await reachesOf(config)).toEqual([]);
      }),
    );
  });
  it('with one planted anywhere waits for approval', async () => {
    const planted = fc.oneof(
      fc.constantFrom(...plantedConfig),
      fc.tuple(fc.constantFrom(...withText), localVariable).map(([put, text]) => put(text)),
    );
    await fc.assert(
      fc.asyncProperty(partsOf(harmlessConfig), planted, async (config, reach) => {
        expect(await reachesOf(join(config, reach))).not.toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

const harmlessService: readonly Part[] = [
  { command: 'sleep infinity', entrypoint: ['x'] },
  { environment: { A: 'b' } },
  { volumes: ['..:/workspace:cached', 'data:/data', '/anonymous'] },
  { ports: ['127.0.0.1:80:80'] },
  { depends_on: ['db'], links: ['db'] },
  { networks: { back: { aliases: ['x'] } } },
  { labels: { a: 'b' } },
  { logging: { driver: 'json-file', options: { 'max-size': '1m' } } },
  { deploy: { replicas: 1, resources: { limits: { cpus: '1', memory: '1g' } } } },
  { healthcheck: { test: 'true' }, restart: 'always', init: true },
  { build: { context: '..', dockerfile: '.devcontainer/Dockerfile', args: { A: '1' }, labels: { a: 'b' } } },
  { extra_hosts: ['db:10.0.0.1'] },
  { ulimits: { nofile: 1024 }, shm_size: '1g', tmpfs: '/t', user: 'node' },
];
const plantedService: readonly Part[] = [
  { privileged: true },
  { cap_add: ['SYS_ADMIN'] },
  { devices: ['/dev/sda'] },
  { pid: 'host' },
  { ipc: 'host' },
  { network_mode: 'host' },
  { userns_mode: 'host' },
  { uts: 'host' },
  { cgroup: 'host' },
  { cgroup_parent: 'x' },
  { device_cgroup_rules: ['c 1:1 rwm'] },
  { security_opt: ['seccomp:unconfined'] },
  { security_opt: ['no-new-privileges:false'] },
  { sysctls: { 'net.core.somaxconn': 1 } },
  { volumes: ['/:/host'] },
  { volumes: ['../..:/up'] },
  { volumes: ['./part:/part'] },
  { volumes: ['~/.ssh:/s'] },
  { volumes: [{ type: 'bind', source: '/etc', target: '/e' }] },
  { volumes_from: ['other'] },
  { extends: { file: 'base.yml', service: 'x' } },
  { env_file: ['../../.env'] },
  { env_file: '/home/u/.env' },
  { environment: ['TOKEN'] },
  { environment: { TOKEN: null } },
  { environment: { A: '${TOKEN}' } },
  { environment: { A: '${TOKEN:-none}' } },
  { environment: { A: '$TOKEN' } },
  { build: { args: ['TOKEN'] } },
  { build: { args: { TOKEN: null } } },
  { build: { args: { A: '${TOKEN:?}' } } },
  { build: { context: '../..' } },
  { build: { context: 'https://host/x.git' } },
  { build: { context: 'git@host:x.git' } },
  { build: { dockerfile: '/etc/passwd' } },
  { build: { dockerfile: '../../../x' } },
  { build: { secrets: ['s'] } },
  { build: { ssh: ['default'] } },
  { build: { additional_contexts: { x: '/etc' } } },
  { build: { network: 'host' } },
  { build: { tags: ['node:20'] } },
  { build: { cache_to: ['type=local,dest=/x'] } },
  { build: { cache_from: ['type=local,src=/x'] } },
  { build: { entitlements: ['security.insecure'] } },
  { build: { privileged: true } },
  { ports: ['80:80'] },
  { ports: [{ target: 80, published: 80 }] },
  { extra_hosts: ['host.docker.internal:host-gateway'] },
  { extra_hosts: { h: 'host-gateway' } },
  { labels: { 'dev.headjack.instance': '00000000' } },
  { labels: ['com.docker.compose.project=hjk-00000000'] },
  { logging: { driver: 'syslog' } },
  { logging: { driver: 'fluentd', options: { 'fluentd-address': 'x' } } },
  { annotations: { 'run.oci.x': 'y' } },
  { networks: { back: { driver_opts: { x: 'y' } } } },
  { deploy: { resources: { reservations: { devices: [{ capabilities: ['gpu'] }] } } } },
  { credential_spec: { file: 'x' } },
  { runtime: 'x' },
  { gpus: 'all' },
  { group_add: ['docker'] },
  { label_file: '/x' },
  { external_links: ['other'] },
  { storage_opt: { size: '1' } },
  { develop: { watch: [{ path: '/', target: '/x', action: 'sync' }] } },
  { provider: { type: 'x' } },
  { post_start: [{ command: 'x', privileged: true }] },
  { pre_stop: [{ command: 'x' }] },
  { use_api_socket: true },
];
const plantedTop: readonly Part[] = [
  { volumes: { v: { external: true } } },
  { volumes: { v: { name: 'shared' } } },
  { volumes: { v: { driver_opts: { type: 'none', o: 'bind', device: '/etc' } } } },
  { volumes: { v: { labels: { 'com.docker.compose.project': 'hjk-00000000' } } } },
  { networks: { n: { external: true } } },
  { networks: { n: { driver: 'host' } } },
  { networks: { n: { driver_opts: { parent: 'eth0' } } } },
  { secrets: { s: { file: '/etc/shadow' } } },
  { secrets: { s: { file: './within' } } },
  { secrets: { s: { environment: 'TOKEN' } } },
  { secrets: { s: { external: true } } },
  { configs: { c: { file: '/etc/shadow' } } },
  { configs: { c: { content: '${TOKEN}' } } },
  { include: ['other.yml'] },
  { models: { m: {} } },
];
const services = partsOf(harmlessService);
const project = fc.tuple(services, services).map(([app, db]): Part => ({
  services: { app, db },
  volumes: { data: {} },
  networks: { back: {}, default: { internal: true } },
}));
const composed = (document: Part, files: Readonly<Record<string, string>> = {}): Promise<string[]> =>
  reachesOf(
    { dockerComposeFile: 'compose.yml', service: 'app' },
    { '.devcontainer/compose.yml': stringify(document), ...files },
  );
/** As compose resolves it: without variables, every path whole. */
const resolved = (document: Part): string[] => {
  const parsed = parseCompose(stringify(document));
  return findComposeReaches(parsed!, {
    ...inside,
    base: '${localWorkspaceFolder}/.devcontainer',
    project: 'hjk-1',
  });
};

describe('compose files', () => {
  it('without a reach of this machine pass', async () => {
    await fc.assert(
      fc.asyncProperty(project, async document => {
        expect(await composed(document)).toEqual([]);
        expect(resolved(document)).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
  it('with one planted in any service wait for approval', async () => {
    await fc.assert(
      fc.asyncProperty(
        project,
        fc.constantFrom(...plantedService),
        fc.constantFrom('app', 'db'),
        async (document, reach, name) => {
          const planted = join(document, { services: { [name]: reach } });
          expect(await composed(planted)).not.toEqual([]);
          if (!JSON.stringify(reach).includes('$')) expect(resolved(planted)).not.toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });
  it('with one planted beside the services wait for approval', async () => {
    await fc.assert(
      fc.asyncProperty(project, fc.constantFrom(...plantedTop), async (document, reach) => {
        expect(await composed(join(document, reach))).not.toEqual([]);
      }),
    );
  });
  it.each([
    ['a file of variables, bare', 'app.env', 'A=b\nTOKEN\n'],
    ['a file of variables, in a value', 'app.env', 'A=${TOKEN}\n'],
    ['a file of variables, exported', 'app.env', 'export TOKEN\n'],
    ['.env', '.env', 'A=x${TOKEN:-y}\n'],
  ])('that read a variable in %s name it', async (_, name, text) => {
    const document = { services: { app: { image: 'x', env_file: ['app.env'] } } };
    expect(await composed(document, { [`.devcontainer/${name}`]: text })).toEqual([
      'variable TOKEN: its value here is passed on',
    ]);
  });
  it('that extend others are judged with those, and approved with those', async () => {
    const document = {
      services: { app: { image: 'x', extends: { file: '../tools/base.yml', service: 'b' } } },
    };
    const base = stringify({ services: { b: { image: 'x', volumes: ['/etc:/e'], environment: ['TOKEN'] } } });
    expect(await composed(document, { 'tools/base.yml': base })).toEqual(
      expect.arrayContaining([
        'service b: mount /etc at /e',
        'service b: variable TOKEN: its value here is passed on',
      ]),
    );
  });
});

describe('what an image brings', () => {
  it('of variables is found in its label, however it is written', () => {
    fc.assert(
      fc.property(fc.constantFrom(...withText), localVariable, fc.boolean(), (put, text, escaped) => {
        const label = JSON.stringify([{ id: 'f' }, put(text)]);
        const written = escaped
          ? label.replace(
              /[a-zA-Z:${}](?=[^"]*TOKEN|[^"]*HOME|[^"]*localEnv)/g,
              c => `\\u00${c.charCodeAt(0).toString(16)}`,
            )
          : label;
        expect(findLabelVariables(written)).not.toEqual([]);
      }),
    );
  });
  it('of options is judged as the engine is called', () => {
    const planted = plantedConfig.flatMap(({ runArgs }) =>
      runArgs === undefined ? [] : [runArgs as string[]],
    );
    const harmless = ['--init', '-d', '--name', 'x', '-l', 'a=b', '-e', 'A=b', '--entrypoint', '/bin/sh'];
    fc.assert(
      fc.property(fc.constantFrom(...planted), fc.nat(2), (words, at) => {
        const all = [...harmless.slice(0, at), ...words, ...harmless.slice(at)];
        expect(splitRunOptions(all).flatMap(option => findReach(option, inside) ?? [])).not.toEqual([]);
      }),
    );
  });
});

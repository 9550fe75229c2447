import { describe, expect, it } from 'vitest';
import { findComposeReaches, parseCompose } from '../../../src/devcontainer/compose.ts';
import { composeVariables } from '../../../src/devcontainer/host-variables.ts';

const place = { worktree: '/w/tree', devcontainerId: 'id', base: '/w/tree/.devcontainer', project: 'hjk-1' };
const reaches = (text: string): string[] => {
  const document = parseCompose(text);
  if (document === undefined) throw new Error('no compose file');
  return findComposeReaches(document, place);
};
const service = (text: string): string[] =>
  reaches(`services:\n  app:\n    ${text.replaceAll('\n', '\n    ')}\n`);

describe('compose files that stay in their containers', () => {
  it.each([
    ['image: x\ncommand: sleep infinity\nenvironment: {A: b}\ndepends_on: [db]\nnetworks: [n]'],
    ['build: {context: .., dockerfile: .devcontainer/Dockerfile, args: {A: "1"}}'],
    ['build: .'],
    ['volumes: ["..:/workspace:cached", "data:/data", /anonymous]'],
    [
      'volumes:\n  - {type: bind, source: /w/tree, target: /workspace}\n  - {type: volume, source: data, target: /d}',
    ],
    ['ports: ["127.0.0.1:80:80"]'],
    ['ports: [{host_ip: 127.0.0.1, published: "80", target: 80}]'],
    ['network_mode: service:db'],
    ['env_file: .env'],
    ['privileged: false'],
  ])('%j', text => {
    expect(service(text)).toEqual([]);
  });
  it('volumes and networks of the project', () => {
    expect(
      reaches(
        'volumes: {data: {}, more: {name: hjk-1_more}}\nnetworks: {default: {name: hjk-1_default, ipam: {}}}',
      ),
    ).toEqual([]);
  });
});

describe('compose files that reach this machine', () => {
  it.each([
    ['privileged: true', /^service app: privileged/],
    ['cap_add: [SYS_ADMIN]', /capability SYS_ADMIN/],
    ['security_opt: ["seccomp:unconfined"]', /security option seccomp:unconfined/],
    ['devices: ["/dev/kvm:/dev/kvm"]', /device \/dev\/kvm/],
    ['network_mode: host', /network host/],
    ['pid: host', /pid host/],
    ['ipc: host', /ipc host/],
    ['userns_mode: host', /userns_mode host/],
    ['volumes: ["/var/run/docker.sock:/s"]', /root on this machine/],
    ['volumes: ["../..:/up"]', /mount \/w at \/up/],
    ['volumes: ["~/.ssh:/s"]', /mount ~\/.ssh at \/s/],
    ['volumes: [{type: bind, source: /etc, target: /e}]', /mount \/etc at \/e/],
    ['volumes: [{type: npipe, source: x, target: /e}]', /mount npipe/],
    ['ports: ["80:80"]', /port 80:80/],
    ['ports: [{published: 80, target: 80}]', /port 80:80/],
    ['env_file: /home/me/.env', /env_file \/home\/me\/.env/],
    ['env_file: [{path: ../../.env}]', /env_file \.\.\/\.\.\/.env/],
    ['environment: [SECRET]', /variable SECRET/],
    ['environment: {SECRET: null}', /variable SECRET/],
    ['extends: {file: x.yml, service: y}', /extends "x.yml"/],
    ['build: ../..', /build context \.\.\/\.\./],
    ['build: {context: ., dockerfile: ../../Dockerfile}', /Dockerfile/],
    ['build: {context: ., network: host}', /build network/],
    ['build: {context: ., secrets: [x]}', /build secrets/],
    ['deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}', /devices/],
    ['volumes_from: [container:x]', /volumes_from/],
    ['something_new: 1', /something_new/],
  ])('%j', (text, line) => {
    expect(service(text)).toContainEqual(expect.stringMatching(line));
  });
  it.each([
    ['volumes: {v: {external: true}}', /volume v/],
    ['volumes: {v: {name: another}}', /volume v/],
    ['volumes: {v: {driver_opts: {type: none, device: /etc, o: bind}}}', /volume v/],
    ['networks: {n: {external: true}}', /network n/],
    ['networks: {n: {driver: macvlan}}', /network n/],
    ['secrets: {s: {file: /etc/shadow}}', /secret s/],
    ['secrets: {s: {environment: TOKEN}}', /variable TOKEN/],
    ['configs: {c: {file: ../../x}}', /config c/],
    ['include: [x.yml]', /include "x.yml"/],
    ['something: {new: 1}', /something/],
  ])('%j', (text, line) => {
    expect(reaches(text)).toContainEqual(expect.stringMatching(line));
  });
  it('by variables that compose reads here', () => {
    expect(composeVariables('a: $ONE ${TWO} ${THREE:-x} $$NOT')).toEqual(['ONE', 'TWO', 'THREE']);
  });
});

it('what is no YAML of a compose file is told apart', () => {
  for (const text of ['', '- a', '{', 'x']) expect(parseCompose(text)).toBeUndefined();
});

it('numbers stay as they are written: an id can look like one', () => {
  const document = parseCompose(
    'version: 3.70\nservices:\n  app:\n    labels: { a: 8134e237, b: 00120000, c: true }\n    environment: { X: , Y: 1.50 }\n',
  );
  expect(document?.version).toBe('3.70');
  expect(document?.services['app']).toEqual({
    labels: { a: '8134e237', b: '00120000', c: true },
    environment: { X: null, Y: '1.50' },
  });
});

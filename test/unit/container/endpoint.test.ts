import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { resolveEndpoint } from '../../../src/container/endpoint.ts';
import { makeFolder } from '../../support/sandbox.ts';

const home = makeFolder();
afterAll(() => {
  fs.rmSync(home, { recursive: true, force: true });
});

function makeContext(name: string, host: string): void {
  const folder = path.join(home, '.docker/contexts/meta', createHash('sha256').update(name).digest('hex'));
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(
    path.join(folder, 'meta.json'),
    JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }),
  );
}
makeContext('near', 'unix:///run/near.sock');
makeContext('far', 'ssh://dev@build.example');
makeContext('loop', 'tcp://127.0.0.1:2375');

const docker = (env: NodeJS.ProcessEnv): ReturnType<typeof resolveEndpoint> =>
  resolveEndpoint('docker', env, home);
const podman = (env: NodeJS.ProcessEnv): ReturnType<typeof resolveEndpoint> =>
  resolveEndpoint('podman', env, home);

describe('where the engine is', () => {
  it('DOCKER_HOST, else the context, else the usual places', () => {
    expect(docker({ DOCKER_HOST: 'unix:///x/d.sock', DOCKER_CONTEXT: 'far' })).toEqual({
      socket: '/x/d.sock',
      source: 'DOCKER_HOST',
    });
    expect(docker({ DOCKER_CONTEXT: 'near' })).toEqual({ socket: '/run/near.sock', source: 'context near' });
    expect(docker({ DOCKER_CONTEXT: 'default' }).source).toBe('default');
    expect(docker({ DOCKER_HOST: ' ' }).source).toBe('default');
    fs.writeFileSync(path.join(home, '.docker/config.json'), '{"currentContext": "near"}');
    expect(docker({}).socket).toBe('/run/near.sock');
    expect(docker({ DOCKER_CONTEXT: 'default' }).source).toBe('default');
    fs.writeFileSync(path.join(home, '.docker/config.json'), '{"currentContext": "default"}');
    expect(docker({}).source).toBe('default');
    expect(() => docker({ DOCKER_CONTEXT: 'none' })).toThrow('the Docker context "none" does not exist');
  });
  it.each([
    [
      { DOCKER_HOST: 'tcp://10.0.0.1:2375' },
      'DOCKER_HOST names an engine on another machine (tcp://10.0.0.1:2375)',
    ],
    [{ DOCKER_HOST: 'ssh://dev@build.example' }, 'DOCKER_HOST names an engine on another machine'],
    [{ DOCKER_HOST: 'https://engine.example:2376' }, 'another machine'],
    [{ DOCKER_CONTEXT: 'far' }, 'the Docker context "far" names an engine on another machine'],
    [
      { DOCKER_CONTEXT: 'loop' },
      'the Docker context "loop" names tcp://127.0.0.1:2375; hjk speaks to engines by a unix socket',
    ],
    [{ DOCKER_HOST: 'tcp://localhost:2375' }, 'hjk speaks to engines by a unix socket'],
    [{ DOCKER_HOST: 'npipe:////./pipe/docker_engine' }, 'hjk speaks to engines by a unix socket'],
  ])('%j is refused', (env, message) => {
    expect(() => docker(env)).toThrow(message);
  });
  it("podman's own", () => {
    const run = path.join(home, 'run');
    fs.mkdirSync(path.join(run, 'podman'), { recursive: true });
    fs.writeFileSync(path.join(run, 'podman/podman.sock'), '');
    const own = path.join(run, 'podman/podman.sock');
    const { socket } = podman({ XDG_RUNTIME_DIR: run });
    expect([own, '/run/podman/podman.sock']).toContain(socket);
    expect(fs.existsSync(socket)).toBe(true);
    expect(podman({ CONTAINER_HOST: 'unix:///x/p.sock', DOCKER_HOST: 'tcp://10.0.0.1' }).socket).toBe(
      '/x/p.sock',
    );
    expect(() => podman({ CONTAINER_HOST: 'ssh://core@127.0.0.1:1234/run/podman.sock' })).toThrow(
      'CONTAINER_HOST names an engine on another machine',
    );
  });
});

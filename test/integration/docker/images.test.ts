import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildTestImage,
  docker,
  makeFolder,
  makeSandbox,
  onPodman,
  runProgram,
  testImage,
  uidInside,
} from '../../support/sandbox.ts';
import { startRegistry } from '../../support/registry.ts';

/** Puts the test image there under a name, and forgets that name here. */
function push(reference: string, login?: { user: string; word: string }): void {
  const config = makeFolder();
  try {
    const at = (...args: string[]): string => docker('--config', config, ...args);
    if (login !== undefined) at('login', '-u', login.user, '-p', login.word, reference.split('/')[0]!);
    docker('tag', testImage, reference);
    at('push', '-q', reference);
    docker('rmi', reference);
  } finally {
    fs.rmSync(config, { recursive: true, force: true });
  }
}

const forget = (reference: string): void => {
  try {
    docker('rmi', '-f', reference);
  } catch {
    // it is not there
  }
};

describe('pull', () => {
  it('fetches what is missing, what is to be fresh, and nothing where that was said', async () => {
    await using box = makeSandbox();
    await using registry = await startRegistry();
    const reference = `${registry.host}/team/tools:1`;
    push(reference);
    try {
      expect(await box.hjk('run', 'a', '--image', reference, '--pull', 'never')).toMatchObject({
        code: 7,
        stderr: expect.stringContaining(`image ${reference} is not on the engine`) as string,
      });
      expect(await box.hjk('run', 'a', '--image', reference)).toMatchObject({ code: 0, stderr: '' });
      expect(await box.ok('run', 'b', '--image', reference, '--pull', 'always')).toContain('Instance');
      const missing = await box.hjk('run', 'c', '--image', `${registry.host}/team/none:1`);
      expect(missing).toMatchObject({ code: 7 });
      expect(missing.stderr).toMatch(/cannot be pulled: .*\nhint: /);
      expect(box.git('branch', '--list', 'c')).toBe('');
      expect((await box.hjk('run', 'c', '--image', reference, '--pull', 'sometimes')).code).toBe(2);
    } finally {
      await box.hjk('rm', 'a', '--yes');
      await box.hjk('rm', 'b', '--yes');
      forget(reference);
    }
  });
  it('uses what docker login left: auths, a helper for the registry, a store for all', async () => {
    await using box = makeSandbox();
    const login = { user: 'dev', word: 'pass:w0rd' };
    await using registry = await startRegistry(login);
    const reference = `${registry.host}/team/tools:1`;
    push(reference, login);
    const folder = path.join(box.home, '.docker');
    const programs = path.join(box.folder, 'bin');
    fs.mkdirSync(folder);
    fs.mkdirSync(programs);
    fs.writeFileSync(
      path.join(programs, 'docker-credential-test'),
      `#!/bin/sh\nread registry\n[ "$registry" = '${registry.host}' ] || { echo 'credentials not found in native keychain'; exit 1; }\necho '{"ServerURL":"x","Username":"${login.user}","Secret":"${login.word}"}'\n`,
      { mode: 0o755 },
    );
    const env = { ...box.env, PATH: `${programs}:${box.env['PATH']}` };
    const run = (branch: string, config: unknown): ReturnType<typeof box.hjk> => {
      fs.writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config));
      forget(reference);
      return runProgram(
        path.join(import.meta.dirname, '../../../dist/cli/hjk.cjs'),
        ['run', branch, '--image', reference],
        {
          cwd: box.repository,
          env,
        },
      );
    };
    const auth = Buffer.from(`${login.user}:${login.word}`).toString('base64');
    try {
      const refused = await run('x', {});
      expect(refused).toMatchObject({ code: 7 });
      expect(refused.stderr).toContain(
        `hint: log in: ${onPodman ? 'podman' : 'docker'} login ${registry.host}`,
      );
      expect(await run('a', { auths: { [registry.host]: { auth } } })).toMatchObject({ code: 0, stderr: '' });
      await box.ok('rm', 'a', '--yes');
      expect(
        await run('b', { auths: { [registry.host]: {} }, credHelpers: { [registry.host]: 'test' } }),
      ).toMatchObject({ code: 0 });
      await box.ok('rm', 'b', '--yes');
      expect(await run('c', { credsStore: 'test' })).toMatchObject({ code: 0 });
      await box.ok('rm', 'c', '--yes');
      const broken = await run('d', { credsStore: 'nowhere' });
      expect(broken).toMatchObject({ code: 8 });
      expect(broken.stderr).toContain('docker-credential-nowhere gives no credentials');
      expect(`${refused.stderr}${broken.stderr}`).not.toContain(login.word);
    } finally {
      forget(reference);
    }
  });
  it("never fetches hjk's own images, whose names anybody could have", async () => {
    await using box = makeSandbox();
    expect(await box.hjk('run', 'x', '--image', 'headjack/base:none', '--pull', 'always')).toMatchObject({
      code: 7,
      stderr: expect.stringContaining('hint: hjk image build') as string,
    });
  });
});

/** An image of `<folder>/root` that says which processor it is for: what `docker save` writes, made by hand. */
function loadImage(folder: string, tag: string, architecture: string): void {
  const place = path.join(folder, 'image');
  fs.mkdirSync(place);
  execFileSync('tar', ['-C', path.join(folder, 'root'), '-cf', path.join(place, 'layer.tar'), '.']);
  const layer = createHash('sha256')
    .update(fs.readFileSync(path.join(place, 'layer.tar')))
    .digest('hex');
  const rootfs = { type: 'layers', diff_ids: [`sha256:${layer}`] };
  fs.writeFileSync(
    path.join(place, 'config.json'),
    JSON.stringify({
      architecture,
      os: 'linux',
      config: { Cmd: ['sh'] },
      rootfs,
      history: [{ created_by: 'test' }],
    }),
  );
  fs.writeFileSync(
    path.join(place, 'manifest.json'),
    JSON.stringify([{ Config: 'config.json', RepoTags: [tag], Layers: ['layer.tar'] }]),
  );
  execFileSync('sh', ['-c', `tar -C '${place}' -c . | docker load -q`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

describe('images of all kinds', () => {
  const uid = process.getuid!();
  const kinds: Record<string, string> = {
    entrypoint: 'ENTRYPOINT ["/bin/false"]\nCMD ["x"]',
    health: 'HEALTHCHECK --interval=1s CMD false',
    'taken-uid': `RUN echo 'somebody:x:${uid === 0 ? 1000 : uid}:${uid === 0 ? 1000 : uid}::/home/somebody:/bin/sh' >> /etc/passwd && mkdir -p /home/somebody && chown ${uid === 0 ? 1000 : uid} /home/somebody`,
    'read-only-home': 'RUN chmod 555 /home',
    'no-bash': 'RUN rm -f /bin/bash /usr/bin/bash',
    'no-passwd': 'RUN rm -f /etc/passwd /etc/group',
    workdir: 'WORKDIR /srv/app\nVOLUME /srv/app\nENV HOME=/srv/app',
  };
  const tag = (kind: string): string => `hjk-test:kind-${kind}-${process.pid}`;
  beforeAll(() => {
    for (const [kind, lines] of Object.entries(kinds))
      buildTestImage(tag(kind), `FROM ${testImage}\n${lines}\n`);
  });
  afterAll(() => {
    for (const kind of Object.keys(kinds)) forget(tag(kind));
  });
  it.each(Object.keys(kinds))('%s', async kind => {
    await using box = makeSandbox();
    expect(await box.hjk('run', 'x', '--image', tag(kind))).toMatchObject({ code: 0, stderr: '' });
    const script =
      'id -u; cd && touch new && pwd >/dev/null && cd /workspace && echo a > a && git add a && git commit -qm a && git log --oneline | wc -l';
    const inside = await box.hjk('exec', 'x', '--no-mux', 'sh', '-c', script);
    expect(inside).toMatchObject({ code: 0, stdout: `${uidInside(uid)}\n2\n` });
    await box.ok('exec', 'x', '-d', '-n', 's', 'sh', '-c', 'echo hello; sleep 0.2');
    expect(await box.ok('logs', 'x', 's', '-f')).toBe('hello\n');
    await box.ok('stop', 'x');
    await box.ok('start', 'x');
    expect(await box.ok('exec', 'x', '--no-mux', 'sh', '-c', 'cd; ls')).toContain('new');
    await box.ok('rm', 'x', '--force');
  });
  it('another architecture is named', async () => {
    await using box = makeSandbox();
    const foreign = tag('foreign');
    const other = os.arch() === 'arm64' ? 'amd64' : 'arm64';
    fs.mkdirSync(path.join(box.folder, 'root/bin'), { recursive: true });
    // the head of a program for that processor, and nothing to run
    const machine = other === 'arm64' ? 0xb7 : 0x3e;
    const head = Buffer.alloc(128);
    Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(head);
    head.writeUInt16LE(2, 16);
    head.writeUInt16LE(machine, 18);
    head.writeUInt32LE(1, 20);
    for (const name of ['sh', 'sleep'])
      fs.writeFileSync(path.join(box.folder, 'root/bin', name), head, { mode: 0o755 });
    loadImage(box.folder, foreign, other);
    try {
      const ran = await box.hjk('run', 'x', '--image', foreign);
      expect(ran).toMatchObject({ code: 7 });
      expect(ran.stderr).toContain(`is for ${other}`);
      expect(box.catalog().entries).toEqual([]);
    } finally {
      forget(foreign);
    }
  });
});

it('image list and rm know the images that hjk made, and no other', async () => {
  await using box = makeSandbox();
  const mine = `headjack/test-${process.pid}:1`;
  docker('tag', testImage, mine);
  try {
    const { images } = JSON.parse(await box.ok('image', 'list', '--json')) as {
      images: { name: string; kind: string; bytes: number }[];
    };
    expect(images.every(found => found.kind === 'base' || found.kind === 'derived')).toBe(true);
    expect(images.some(found => found.bytes > 1e6)).toBe(true);
    expect(await box.hjk('image', 'rm', 'no-such-image')).toMatchObject({ code: 7 });
    expect(await box.hjk('image', 'sell')).toMatchObject({ code: 2 });
    expect(await box.hjk('image', 'rm')).toMatchObject({ code: 2 });
    expect(await box.ok('image', 'rm', mine)).toMatch(
      /^Removed image (localhost\/|docker\.io\/)?headjack\/test-/,
    );
    expect(docker('images', '-q', mine)).toBe('');
    expect(docker('images', '-q', testImage)).not.toBe('');
  } finally {
    forget(mine);
  }
});

import { describe, expect, it } from 'vitest';
import { parseEngineOptions } from '../../../src/container/engine-options.ts';
import { readRunFlags } from '../../../src/container/run-flags.ts';
import {
  makeMountAbsolute,
  makeVolumeAbsolute,
  parseMounts,
  parsePorts,
} from '../../../src/container/volumes.ts';
import { findWeaknesses } from '../../../src/container/weaknesses.ts';

const options = (...words: string[]): ReturnType<typeof parseEngineOptions> =>
  parseEngineOptions(readRunFlags(words, 'test'));

describe('words of docker run', () => {
  it.each([
    [['-m', '4g'], [['memory', '4g']]],
    [['-m4g'], [['memory', '4g']]],
    [['-m=4g'], [['memory', '4g']]],
    [['--memory=4g'], [['memory', '4g']]],
    [['--memory', '4g', '--memory', '8g'], [['memory', '8g']]],
    [
      ['-e', 'A=b=c', '--env=D'],
      [
        ['env', 'A=b=c'],
        ['env', 'D'],
      ],
    ],
    [['--net', 'none'], [['network', 'none']]],
    [['--privileged'], [['privileged', '']]],
    [['--privileged=false', '-p8080:80'], [['publish', '8080:80']]],
    [['--label', 'x=--memory'], [['label', 'x=--memory']]],
    [['-v', '/a b:/c:ro'], [['volume', '/a b:/c:ro']]],
    [[], []],
  ])('%j', (words, expected) => {
    expect(readRunFlags(words, 'test').map(({ name, value }) => [name, value])).toEqual(expected);
  });
  it.each([
    [
      ['--rm', '--restart', 'always', '-it', '-m', '1g'],
      'not a flag that can be given to the container: --rm --restart -it',
    ],
    [['--userns=host'], '--userns=host'],
    [['image'], 'image'],
    [['-m'], 'flag needs an argument: -m'],
    [['--privileged=maybe'], 'invalid argument "maybe" for --privileged'],
  ])('%j is refused', (words, message) => {
    expect(() => readRunFlags(words, 'test')).toThrow(message);
  });
});

describe('values', () => {
  it('go to the engine as docker sends them', () => {
    expect(
      options(
        ...['--cap-add', 'net_admin', '--cap-drop=ALL', '--device', '/dev/fuse', '--device=/dev/a:/dev/b:r'],
        ...['--gpus', 'all', '--shm-size', '1g', '--add-host', 'db:10.0.0.5', '--add-host', 'h=host-gateway'],
        ...['--dns', '1.1.1.1', '--tmpfs', '/cache:size=64m', '--ulimit', 'nofile=1024:2048', '-h', 'box'],
        ...[
          '-l',
          'team=web',
          '--security-opt',
          'apparmor=unconfined',
          '-u',
          '1000:1000',
          '--entrypoint',
          '/init',
        ],
      ),
    ).toEqual({
      privileged: false,
      capAdd: ['NET_ADMIN'],
      capDrop: ['ALL'],
      devices: [
        { host: '/dev/fuse', inside: '/dev/fuse', access: 'rwm' },
        { host: '/dev/a', inside: '/dev/b', access: 'r' },
      ],
      gpus: { count: -1, ids: [], driver: '' },
      shmSize: 1024 ** 3,
      extraHosts: ['db:10.0.0.5', 'h:host-gateway'],
      dns: ['1.1.1.1'],
      tmpfs: [{ target: '/cache', options: 'size=64m' }],
      ulimits: [{ name: 'nofile', soft: 1024, hard: 2048 }],
      hostname: 'box',
      labels: { team: 'web' },
      securityOptions: ['apparmor=unconfined'],
      user: '1000:1000',
      entrypoint: '/init',
    });
  });
  it.each([
    [['--gpus', '2'], { count: 2, ids: [], driver: '' }],
    [['--gpus', 'device=0,2'], { count: 0, ids: ['0', '2'], driver: '' }],
    [['--gpus', 'driver=nvidia,count=all'], { count: -1, ids: [], driver: 'nvidia' }],
  ])('%j', (words, gpus) => {
    expect(options(...words).gpus).toEqual(gpus);
  });
  it.each([
    ['--shm-size', 'big'],
    ['--hostname', '-x-'],
    ['--cap-add', 'a b'],
    ['--device', 'fuse'],
    ['--device', '/dev/a:/dev/b:x'],
    ['--gpus', 'some'],
    ['--add-host', 'db'],
    ['--add-host', 'db:nowhere'],
    ['--dns', 'one'],
    ['--tmpfs', 'cache'],
    ['--ulimit', 'nofile'],
    ['--ulimit', 'nofile=20:10'],
    ['--label', 'dev.headjack.owner=x'],
    ['--security-opt', 'systempaths=unconfined'],
    ['--security-opt', 'seccomp=/nowhere.json'],
  ])('%s %s is refused, and named', (flag, value) => {
    expect(() => options(flag, value)).toThrow(`${flag} ${value}: `);
  });
});

describe('mounts', () => {
  const parse = (mounts: string[], volumes: string[] = []): ReturnType<typeof parseMounts> =>
    parseMounts({ mounts, volumes, tmpfs: [] }, '/cwd', ['/workspace', '/home/u/tree']);
  it('--mount as docker writes it', () => {
    expect(
      parse(
        [
          'type=bind,source=./data,target=/data,readonly',
          'type=volume,src=cache,dst=/cache',
          'type=tmpfs,destination=/scratch,tmpfs-size=64m,tmpfs-mode=1777',
          'type=bind,"source=/with,comma",target=/c,ro=false',
          'target=/anonymous',
        ],
        ['/only'],
      ),
    ).toEqual({
      binds: [
        { source: '/cwd/data', target: '/data', readOnly: true },
        { source: '/with,comma', target: '/c', readOnly: false },
      ],
      volumes: [
        { source: '', target: '/only', readOnly: false },
        { source: 'cache', target: '/cache', readOnly: false },
        { source: '', target: '/anonymous', readOnly: false },
      ],
      tmpfs: [{ target: '/scratch', options: 'size=67108864,mode=1777' }],
    });
  });
  it.each([
    'type=bind,source=/a',
    'type=bind,target=/a',
    'type=npipe,source=/a,target=/b',
    'type=bind,source=/a,target=/b,bind-propagation=shared',
    'type=bind,source=/a,target=b',
    'type=bind,source=/a,target=/b,readonly=maybe',
    'type=bind,source',
    'type=bind,source=/a,target=/workspace/x',
    'type=bind,source=/a,target=/home/u',
    'type=bind,source=/a,target=/x/../workspace',
    'type=tmpfs,target=/home/u/tree/.git',
    'type=bind,source=/a,target=/',
  ])('%s is refused', text => {
    expect(() => parse([text])).toThrow(`--mount ${text}: `);
  });
  it('one place is mounted once', () => {
    expect(() => parse(['type=volume,source=a,target=/d'], ['b:/d/'])).toThrow('Duplicate mount point: /d');
  });
  it('relative sources are kept absolute', () => {
    expect(makeVolumeAbsolute('./a:/b:ro', '/cwd')).toBe('/cwd/a:/b:ro');
    expect(makeVolumeAbsolute('..:/b', '/cwd/x')).toBe('/cwd:/b');
    expect(makeVolumeAbsolute('.named:/b', '/cwd')).toBe('.named:/b');
    expect(makeMountAbsolute('type=bind,src=../a,target=/b', '/cwd')).toBe('type=bind,src=/a,target=/b');
  });
});

describe('ports', () => {
  it.each([
    ['80', [['80/tcp', '', '']]],
    ['127.0.0.1:8080:80/udp', [['80/udp', '127.0.0.1', '8080']]],
    ['[::1]:1:2', [['2/tcp', '::1', '1']]],
    [
      '8000-8001:80-81',
      [
        ['80/tcp', '', '8000'],
        ['81/tcp', '', '8001'],
      ],
    ],
  ])('%s', (text, expected) => {
    expect(parsePorts([text]).map(p => [p.container, p.hostIp, p.hostPort])).toEqual(expected);
  });
  it.each(['0', '65536', '1-3:1-2', 'x', '3-1', '80/icmp'])('%s is refused', text => {
    expect(() => parsePorts([text])).toThrow(`--publish ${text}`);
  });
});

it('what weakens the sandbox is named, and only that', () => {
  const made = { network: null, volumes: [], writable_submodules: false };
  expect(findWeaknesses({ ...made, flags: readRunFlags(['--cap-drop', 'ALL', '-h', 'x'], 'test') })).toEqual(
    [],
  );
  const words = ['--privileged', '--cap-add', 'sys_admin', '--device', '/dev/kvm', '--security-opt'];
  const flags = readRunFlags(
    [...words, 'no-new-privileges=false', '--mount', 'type=bind,src=/x,dst=/y'],
    'test',
  );
  const found = findWeaknesses({
    network: 'host',
    volumes: ['/var/run/docker.sock:/s', 'named:/n'],
    flags,
    writable_submodules: true,
  });
  expect(found.map(text => text.split(':')[0])).toEqual([
    'privileged',
    'capability SYS_ADMIN',
    'device /dev/kvm',
    'security option no-new-privileges=false',
    'network host',
    'mount /var/run/docker.sock',
    'mount /x',
    'submodules',
  ]);
});

import { testImage } from '../../support/sandbox.ts';
import type { Attack, Kind } from '../attack.ts';
import { unapproved, type At } from './unapproved.ts';

const config = '.devcontainer/devcontainer.json';
type Make = (at: At) => Record<string, unknown>;

const image = { image: testImage };
const key = (name: string, make: Make, more: Partial<Attack> = {}): Attack =>
  unapproved(`a devcontainer.json with ${name}`, at => ({ [config]: { ...image, ...make(at) } }), more);
const runArgs =
  (words: (at: At) => string[]): Make =>
  at => ({ runArgs: words(at) });

/** compose.yaml as JSON, which is YAML. */
const compose = (name: string, services: Make, top: Make = () => ({})): Attack =>
  unapproved(`a compose project with ${name}`, at => ({
    [config]: { dockerComposeFile: 'compose.yaml', service: 'app', workspaceFolder: '/w' },
    '.devcontainer/compose.yaml': {
      services: { app: { image: testImage, command: 'sleep 1000' }, ...services(at) },
      ...top(at),
    },
    '.devcontainer/Dockerfile': `FROM ${testImage}\nARG HJK_ESCAPE_SECRET\nRUN echo "$HJK_ESCAPE_SECRET" >/from-build\n`,
  }));
const second =
  (make: Make): Make =>
  at => ({
    other: { image: testImage, command: 'sleep 1000', ...make(at) },
  });

export const devcontainers: Kind = {
  kind: 'dev containers that nobody approved',
  attacks: [
    // or what follows would hold because nothing works at all
    compose(
      'nothing to object to',
      second(() => ({})),
    ),
    key('initializeCommand', ({ ran }) => ({ initializeCommand: ran }), { short: true }),
    key('initializeCommand as words and as an object', ({ ran }) => ({
      initializeCommand: { a: ran, b: ['sh', '-c', ran] },
    })),
    key('a bind mount', ({ home }) => ({
      mounts: [`source=${home},target=/h,type=bind`, { source: home, target: '/h2', type: 'bind' }],
    })),
    key('a workspaceMount of the home', ({ home }) => ({
      workspaceMount: `source=${home},target=/w,type=bind`,
      workspaceFolder: '/w',
    })),
    key(
      'a volume that is a folder of the host',
      runArgs(({ home }) => [
        '--mount',
        `type=volume,dst=/v,volume-driver=local,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=${home}`,
      ]),
    ),
    key(
      '-v in three spellings',
      runArgs(({ home }) => [`-v${home}:/a`, `--volume=${home}:/b`, '-tiv', `${home}:/c`]),
    ),
    key('privileged', () => ({ privileged: true })),
    key(
      'privileged in runArgs, abbreviated',
      runArgs(() => ['--privileged=true']),
    ),
    key('capabilities and unconfined options', () => ({
      capAdd: ['SYS_ADMIN'],
      securityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
    })),
    key(
      'namespaces of the host',
      runArgs(() => [
        '--pid=host',
        '--network',
        'host',
        '--ipc=host',
        '--uts=host',
        '--userns=host',
        '--cgroupns=host',
      ]),
    ),
    key(
      "another container's namespaces and volumes",
      runArgs(({ bystander }) => [`--pid=container:${bystander}`, `--volumes-from=${bystander}`]),
    ),
    key(
      "another container's name",
      runArgs(({ bystander }) => ['--name', bystander, '--rm']),
    ),
    key(
      'devices',
      runArgs(() => ['--device=/dev/sda', '--device-cgroup-rule=a *:* rwm', '--gpus', 'all']),
    ),
    key(
      'files of the host that runArgs read and write',
      runArgs(({ home, canary }) => [
        '--env-file',
        `${home}/.ssh/id_key`,
        '--cidfile',
        canary,
        '--label-file',
        `${home}/.gitconfig`,
      ]),
    ),
    key('localEnv in variables', () => ({
      containerEnv: { A: '${localEnv:HJK_ESCAPE_SECRET}' },
      remoteEnv: { B: '${env:HJK_ESCAPE_SECRET}' },
    })),
    key('localEnv in names, mounts and arguments', () => ({
      name: '${localEnv:HJK_ESCAPE_SECRET}',
      runArgs: ['--label', 'a=${localEnv:HJK_ESCAPE_SECRET}', '-e', 'HJK_ESCAPE_SECRET'],
      workspaceFolder: '/w/${localEnv:HOME}',
    })),
    unapproved('an image label with localEnv, capabilities and mounts', ({ home }) => ({
      [config]: { build: { dockerfile: 'Dockerfile' } },
      '.devcontainer/Dockerfile': `FROM ${testImage}\nLABEL devcontainer.metadata='${JSON.stringify([{ containerEnv: { A: '${localEnv:HJK_ESCAPE_SECRET}' }, remoteEnv: { B: '${localEnv:HJK_ESCAPE_SECRET}' }, capAdd: ['SYS_ADMIN'], privileged: true, mounts: [`source=${home},target=/h,type=bind`] }])}'\n`,
    })),
    unapproved('build arguments of the environment', () => ({
      [config]: {
        build: { dockerfile: 'Dockerfile', args: { HJK_ESCAPE_SECRET: '${localEnv:HJK_ESCAPE_SECRET}' } },
      },
      '.devcontainer/Dockerfile': `FROM ${testImage}\nARG HJK_ESCAPE_SECRET\nRUN echo "$HJK_ESCAPE_SECRET" >/from-build\n`,
    })),
    unapproved('a build whose context or Dockerfile is elsewhere', ({ home }) => ({
      [config]: { build: { dockerfile: '../../../../../Dockerfile', context: home } },
    })),
    unapproved('build options that read and write the host', ({ canary, home }) => ({
      [config]: {
        build: {
          dockerfile: 'Dockerfile',
          options: [
            `--iidfile=${canary}`,
            `--secret=id=x,src=${home}/.ssh/id_key`,
            '--ssh=default',
            `--output=type=local,dest=${canary}.d`,
            '--network=host',
          ],
          cacheFrom: `type=local,src=${home}`,
        },
      },
      '.devcontainer/Dockerfile': `FROM ${testImage}\n`,
    })),
    unapproved('a .devcontainer that is a link', ({ other }) => ({ '.devcontainer': `link:${other}` })),
    unapproved('a devcontainer.json that is a link', ({ home }) => ({
      [config]: `link:${home}/.ssh/id_key`,
    })),
    unapproved('a Dockerfile that is a link', ({ home }) => ({
      [config]: { build: { dockerfile: 'Dockerfile' } },
      '.devcontainer/Dockerfile': `link:${home}/.ssh/id_key`,
    })),
    unapproved('a feature with mounts, capabilities and an initializeCommand', ({ home, ran }) => ({
      [config]: { build: { dockerfile: 'Dockerfile' }, features: { './f': {} } },
      '.devcontainer/Dockerfile': `FROM ${testImage}\n`,
      '.devcontainer/f/devcontainer-feature.json': {
        id: 'f',
        version: '1.0.0',
        privileged: true,
        capAdd: ['SYS_ADMIN'],
        mounts: [{ source: home, target: '/h', type: 'bind' }],
        initializeCommand: ran,
        containerEnv: { A: '${localEnv:HJK_ESCAPE_SECRET}' },
      },
      '.devcontainer/f/install.sh': '#!/bin/sh\n',
    })),
    unapproved('a feature outside of the repository', () => ({
      [config]: { ...image, features: { '../../../../../other': {}, './../../notes': {} } },
    })),
    compose(
      'a second service that mounts the worktree as root',
      second(() => ({
        user: '0:0',
        volumes: ['..:/w'],
        command: `sh -c 'echo "gitdir: /x" >/w/.git; cp /bin/busybox /w/suid; chmod 4755 /w/suid; sleep 1000'`,
      })),
    ),
    compose(
      'a second service that mounts the home',
      second(({ home }) => ({ volumes: [`${home}:/h`, { type: 'bind', source: home, target: '/h2' }] })),
    ),
    compose(
      'a second service without bounds',
      second(() => ({
        privileged: true,
        pid: 'host',
        network_mode: 'host',
        ipc: 'host',
        cap_add: ['ALL'],
        devices: ['/dev/null:/dev/sda'],
        security_opt: ['seccomp:unconfined'],
      })),
    ),
    compose(
      "a second service in another container's namespaces",
      second(({ bystander }) => ({
        pid: `container:${bystander}`,
        volumes_from: [`container:${bystander}`],
      })),
    ),
    compose(
      'a named volume that is a folder of the host',
      second(() => ({ volumes: ['v:/v'] })),
      ({ home }) => ({
        volumes: { v: { driver: 'local', driver_opts: { type: 'none', o: 'bind', device: home } } },
      }),
    ),
    compose(
      'secrets and configs that are files of the host',
      second(() => ({ secrets: ['s'], configs: ['c'] })),
      ({ home }) => ({
        secrets: { s: { file: `${home}/.ssh/id_key` }, e: { environment: 'HJK_ESCAPE_SECRET' } },
        configs: { c: { file: `${home}/.gitconfig` } },
      }),
    ),
    compose(
      'variables of the environment',
      second(() => ({
        environment: { A: '${HJK_ESCAPE_SECRET}', HJK_ESCAPE_SECRET: null },
        labels: { x: '${HJK_ESCAPE_SECRET:-}' },
      })),
    ),
    compose(
      'env_file, extends and include of the host',
      second(({ home }) => ({
        env_file: [`${home}/.gitconfig`],
        extends: { file: '../../../../notes.txt', service: 'x' },
      })),
      ({ home }) => ({ include: [`${home}/compose.yaml`] }),
    ),
    compose(
      'a build that retags an image of the user',
      second(({ usersImage }) => ({ image: usersImage, build: { context: '.', dockerfile: 'Dockerfile' } })),
    ),
    compose(
      'build arguments and contexts of the host',
      second(({ home }) => ({
        build: {
          context: '.',
          args: ['HJK_ESCAPE_SECRET'],
          additional_contexts: { h: home },
          ssh: ['default'],
          network: 'host',
        },
      })),
    ),
    compose(
      "another container's name",
      second(({ bystander }) => ({ container_name: bystander })),
    ),
  ],
};

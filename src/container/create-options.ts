import type { ContainerCreateOptions } from 'dockerode';
import { keepAliveCommand, keepAliveWithoutInit } from './keep-alive.ts';
import type { BindMount, ContainerSpec } from './port.ts';

/** @param init the engine has one: it passes signals on and takes the exit codes of orphans */
export function createOptions(spec: ContainerSpec, init: boolean): ContainerCreateOptions {
  const keepAlive = [...(init ? keepAliveCommand : keepAliveWithoutInit)];
  const bind = (type: 'bind' | 'volume') => (mount: BindMount) => ({
    Type: type,
    Source: mount.source,
    Target: mount.target,
    ReadOnly: mount.readOnly,
  });
  const { engine } = spec;
  // through Docker's API rootless podman would take a bridge; by itself it takes what needs no rights
  const network = spec.network ?? (spec.keepIds ? 'private' : undefined);
  const ports: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of spec.ports)
    (ports[port.container] ??= []).push({ HostIp: port.hostIp, HostPort: port.hostPort });
  return {
    name: spec.name,
    Image: spec.image,
    Hostname:
      engine.hostname ??
      spec.name
        .slice(0, 63)
        .replace(/[^A-Za-z0-9-]/g, '-')
        .replace(/-+$/, ''),
    Labels: { ...engine.labels, ...spec.labels },
    Env: [...spec.env],
    User: spec.user,
    WorkingDir: '/workspace',
    // an entrypoint of the user's is to `exec` what it is given, as those of images do
    Entrypoint: engine.entrypoint === undefined ? keepAlive : [engine.entrypoint],
    Cmd: engine.entrypoint === undefined ? [] : keepAlive,
    StopSignal: 'SIGTERM',
    Healthcheck: { Test: ['NONE'] },
    ExposedPorts: Object.fromEntries(Object.keys(ports).map(port => [port, {}])),
    HostConfig: {
      ...(init ? { Init: true } : {}),
      ...(spec.keepIds ? { UsernsMode: 'keep-id' } : {}),
      Mounts: [...spec.mounts.map(bind('bind')), ...spec.volumes.map(bind('volume'))],
      Tmpfs: {
        ...Object.fromEntries(engine.tmpfs.map(({ target, options }) => [target, options])),
        '/run/headjack': 'mode=1777,size=4m',
      },
      PortBindings: ports,
      // nothing of ours is written there, and a program inside could fill the host's disk with it
      LogConfig: { Type: 'none', Config: {} },
      RestartPolicy: { Name: 'no' },
      SecurityOpt: [
        ...(engine.securityOptions.some(option => option.startsWith('no-new-privileges'))
          ? []
          : ['no-new-privileges']),
        ...engine.securityOptions,
      ],
      ...(engine.privileged ? { Privileged: true } : {}),
      ...(engine.capAdd.length === 0 ? {} : { CapAdd: [...engine.capAdd] }),
      ...(engine.capDrop.length === 0 ? {} : { CapDrop: [...engine.capDrop] }),
      ...(engine.devices.length === 0
        ? {}
        : {
            Devices: engine.devices.map(({ host, inside, access }) => ({
              PathOnHost: host,
              PathInContainer: inside,
              CgroupPermissions: access,
            })),
          }),
      ...(engine.gpus === undefined
        ? {}
        : {
            DeviceRequests: [
              {
                Driver: engine.gpus.driver,
                Count: engine.gpus.count,
                DeviceIDs: [...engine.gpus.ids],
                Capabilities: [['gpu']],
              },
            ],
          }),
      ...(engine.shmSize === undefined ? {} : { ShmSize: engine.shmSize }),
      ...(engine.extraHosts.length === 0 ? {} : { ExtraHosts: [...engine.extraHosts] }),
      ...(engine.dns.length === 0 ? {} : { Dns: [...engine.dns] }),
      ...(engine.ulimits.length === 0
        ? {}
        : {
            Ulimits: engine.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
          }),
      ...(spec.memory === undefined ? {} : { Memory: spec.memory }),
      ...(spec.cpus === undefined ? {} : { NanoCpus: Math.round(spec.cpus * 1e9) }),
      ...(spec.pids === undefined ? {} : { PidsLimit: spec.pids }),
      ...(network === undefined ? {} : { NetworkMode: network }),
    },
  };
}

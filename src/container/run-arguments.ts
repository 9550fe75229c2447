import type { BindMount, ContainerSpec, PublishedPort } from './port.ts';

/**
 * What a container is made of, as options of `docker run`: for containers that another program begins to make. What
 * create-options.ts says of each holds here too.
 */
export function runArguments(
  spec: Omit<ContainerSpec, 'image' | 'user'>,
  how: {
    /** The engine has an init. */
    readonly init: boolean;
    /** Puts a text into a file, which the option names. */
    readonly fileOf: (text: string) => string;
  },
): string[] {
  const { engine } = spec;
  const each = (flag: string, values: readonly string[]): string[] => values.flatMap(value => [flag, value]);
  const one = (flag: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [flag, String(value)];
  const mount = (type: 'bind' | 'volume') => (given: BindMount) =>
    csv([
      `type=${type}`,
      ...(given.source === '' ? [] : [`source=${given.source}`]),
      `target=${given.target}`,
      ...(given.readOnly ? ['readonly'] : []),
    ]);
  return [
    ...one('--name', spec.name),
    ...(how.init ? ['--init'] : []),
    ...(spec.keepIds ? ['--userns=keep-id'] : []),
    ...each('--mount', [...spec.mounts.map(mount('bind')), ...spec.volumes.map(mount('volume'))]),
    ...each('--tmpfs', [
      ...engine.tmpfs.map(({ target, options }) => (options === '' ? target : `${target}:${options}`)),
      '/run/headjack:mode=1777,size=4m',
    ]),
    ...each('--env', spec.env),
    ...each('--publish', spec.ports.map(formatPort)),
    '--no-healthcheck',
    ...each('--log-driver', ['none']),
    ...each('--restart', ['no']),
    ...each('--stop-signal', ['SIGTERM']),
    ...each('--workdir', ['/workspace']),
    ...one('--memory', spec.memory),
    ...one('--cpus', spec.cpus),
    ...one('--pids-limit', spec.pids),
    ...one('--network', spec.network),
    ...one('--hostname', engine.hostname),
    ...one('--shm-size', engine.shmSize),
    ...(engine.privileged ? ['--privileged'] : []),
    ...each('--cap-add', engine.capAdd),
    ...each('--cap-drop', engine.capDrop),
    ...each(
      '--device',
      engine.devices.map(({ host, inside, access }) => `${host}:${inside}:${access}`),
    ),
    ...each('--add-host', engine.extraHosts),
    ...each('--dns', engine.dns),
    ...each(
      '--ulimit',
      engine.ulimits.map(({ name, soft, hard }) => `${name}=${String(soft)}:${String(hard)}`),
    ),
    ...each(
      '--security-opt',
      engine.securityOptions.map(option =>
        option.replace(/^seccomp=(\{.*)$/s, (_, text: string) => `seccomp=${how.fileOf(text)}`),
      ),
    ),
    ...(engine.gpus === undefined ? [] : ['--gpus', gpus(engine.gpus)]),
    ...each(
      '--label',
      Object.entries({ ...engine.labels, ...spec.labels }).map(([name, value]) => `${name}=${value}`),
    ),
  ];
}

/** A port as `--publish`, and compose, write it. */
export function formatPort({ container, hostIp, hostPort }: PublishedPort): string {
  const ip = hostIp.includes(':') ? `[${hostIp}]` : hostIp;
  return `${ip === '' ? '' : `${ip}:`}${hostPort}${ip === '' && hostPort === '' ? '' : ':'}${container}`;
}

function gpus({ count, ids, driver }: NonNullable<ContainerSpec['engine']['gpus']>): string {
  const fields = [
    ...(ids.length > 0 ? [`"device=${ids.join(',')}"`] : [`count=${count === -1 ? 'all' : String(count)}`]),
    ...(driver === '' ? [] : [`driver=${driver}`]),
  ];
  return fields.join(',');
}

/** Fields of a `--mount`: one with a comma or a quote in it is quoted. */
function csv(fields: readonly string[]): string {
  return fields.map(field => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',');
}

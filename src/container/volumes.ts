import path from 'node:path';
import { HeadjackError } from '../errors.ts';
import type { BindMount, PublishedPort } from './port.ts';

export interface ParsedVolumes {
  readonly binds: readonly BindMount[];
  readonly volumes: readonly BindMount[];
}

/**
 * `-v source:target[:ro|rw]`: an absolute, `./` or `../` source is a path, another a named volume.
 * @param reserved places in the container that belong to the instance itself
 * @throws HeadjackError usage
 */
export function parseVolumes(
  given: readonly string[],
  cwd: string,
  reserved: readonly string[],
): ParsedVolumes {
  const binds: BindMount[] = [];
  const volumes: BindMount[] = [];
  for (const text of given) {
    const [source = '', target = '', mode, ...rest] = text.split(':');
    const wrong = (why: string): HeadjackError =>
      new HeadjackError('usage', `--volume ${text}: ${why}`, { hint: 'use <source>:<target>[:ro]' });
    if (source === '' || !target.startsWith('/') || rest.length > 0)
      throw wrong('it is not of the form <source>:<absolute target>[:ro]');
    if (mode !== undefined && mode !== 'ro' && mode !== 'rw') throw wrong(`"${mode}" is neither ro nor rw`);
    const place = path.posix.normalize(target).replace(/\/+$/, '');
    const taken = reserved.find(
      own => place === own || place === '' || place.startsWith(`${own}/`) || own.startsWith(`${place}/`),
    );
    if (taken !== undefined) throw wrong(`${taken} is the instance's own`);
    const mount = { source, target: place, readOnly: mode === 'ro' };
    if (/^(\/|\.\.?(\/|$))/.test(source)) binds.push({ ...mount, source: path.resolve(cwd, source) });
    else if (/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(source)) volumes.push(mount);
    else throw wrong(`"${source}" is neither a path nor the name of a volume`);
  }
  return { binds, volumes };
}

/** `-p [ip:][host:]container[/tcp|udp|sctp]`. @throws HeadjackError usage */
export function parsePorts(given: readonly string[]): PublishedPort[] {
  return given.map(text => {
    const match = /^(?:(?:(\[[0-9a-fA-F:]+\]|[0-9.]+):)?(\d*):)?(\d+)(\/(?:tcp|udp|sctp))?$/.exec(text);
    const [, ip = '', host = '', container = '', protocol = '/tcp'] = match ?? [];
    const inRange = (port: string): boolean => port === '' || (Number(port) >= 1 && Number(port) <= 65_535);
    if (match === null || !inRange(host) || !inRange(container)) {
      throw new HeadjackError(
        'usage',
        `--publish ${text}: it is not of the form [ip:][host port:]container port[/udp]`,
        {
          hint: 'for instance --publish 127.0.0.1:8080:80',
        },
      );
    }
    return { container: `${container}${protocol}`, hostIp: ip.replace(/^\[|\]$/g, ''), hostPort: host };
  });
}

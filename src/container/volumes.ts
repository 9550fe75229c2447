import path from 'node:path';
import { isAtOrBelow } from '../core/place.ts';
import { parseSize } from '../core/size.ts';
import { HeadjackError } from '../errors.ts';
import type { BindMount, PublishedPort } from './port.ts';

/** What the user mounts. A volume without a source is an anonymous one. */
export interface ParsedVolumes {
  readonly binds: readonly BindMount[];
  readonly volumes: readonly BindMount[];
  readonly tmpfs: readonly { readonly target: string; readonly options: string }[];
}

type Given =
  | ({ readonly type: 'bind' | 'volume' } & BindMount)
  | { readonly type: 'tmpfs'; readonly target: string; readonly options: string };

/** Where mounts are written: `--volume`, `--mount`, `--tmpfs`, each as its flag takes it. */
export interface GivenMounts {
  readonly volumes: readonly string[];
  readonly mounts: readonly string[];
  readonly tmpfs: readonly { readonly target: string; readonly options: string }[];
}

/**
 * @param cwd what `./` and `../` start from
 * @param reserved places in the container that belong to the instance itself: none of them, nothing in them and nothing above
 *   them can be mounted over
 * @throws HeadjackError usage
 */
export function parseMounts(given: GivenMounts, cwd: string, reserved: readonly string[]): ParsedVolumes {
  const all: Given[] = [
    ...given.volumes.map(text => checkPlace(parseVolume(text, cwd), `--volume ${text}`, reserved)),
    ...given.mounts.map(text => checkPlace(parseMount(text, cwd), `--mount ${text}`, reserved)),
    ...given.tmpfs.map(t => checkPlace({ type: 'tmpfs' as const, ...t }, `--tmpfs ${t.target}`, reserved)),
  ];
  const seen = new Set<string>();
  for (const { target } of all) {
    if (seen.has(target))
      throw new HeadjackError('usage', `Duplicate mount point: ${target}`, { hint: 'mount it once' });
    seen.add(target);
  }
  return {
    binds: all.flatMap(mount => (mount.type === 'bind' ? [plain(mount)] : [])),
    volumes: all.flatMap(mount => (mount.type === 'volume' ? [plain(mount)] : [])),
    tmpfs: all.flatMap(mount =>
      mount.type === 'tmpfs' ? [{ target: mount.target, options: mount.options }] : [],
    ),
  };
}

function plain({ source, target, readOnly }: BindMount): BindMount {
  return { source, target, readOnly };
}

function checkPlace<T extends Given>(mount: T, what: string, reserved: readonly string[]): T {
  const target = path.posix.normalize(mount.target).replace(/\/+$/, '');
  const taken = reserved.find(own => isAtOrBelow(target, own) || isAtOrBelow(own, target));
  if (taken === undefined) return { ...mount, target };
  throw new HeadjackError('usage', `${what}: ${taken} is the instance's own`, {
    hint: 'choose another place in the container',
  });
}

/** A relative source means something only where it was written. */
export function makeVolumeAbsolute(text: string, cwd: string): string {
  const [source = '', ...rest] = text.split(':');
  return /^\.\.?(\/|$)/.test(source) ? [path.resolve(cwd, source), ...rest].join(':') : text;
}

export function makeMountAbsolute(text: string, cwd: string): string {
  return text.replace(
    /(^|,)("?)(source|src)=(\.\.?(?:\/[^,"]*)?)/,
    (_all, before: string, quote: string, key: string, source: string) =>
      `${before}${quote}${key}=${path.resolve(cwd, source)}`,
  );
}

const isPath = (source: string): boolean => /^(\/|\.\.?(\/|$))/.test(source);
const isVolumeName = (source: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(source);

/** `source:target[:ro|rw]`: an absolute, `./` or `../` source is a path, another a named volume. */
function parseVolume(text: string, cwd: string): Given {
  const wrong = (why: string): HeadjackError =>
    new HeadjackError('usage', `--volume ${text}: ${why}`, { hint: 'use <source>:<target>[:ro]' });
  const parts = text.split(':');
  if (parts.length === 1 && text.startsWith('/'))
    return { type: 'volume', source: '', target: text, readOnly: false };
  const [source = '', target = '', mode = '', ...rest] = parts;
  if (source === '' || !target.startsWith('/') || rest.length > 0)
    throw wrong('it is not of the form <source>:<absolute target>[:ro]');
  const modes = mode === '' ? [] : mode.split(',');
  // what only Docker Desktop reads does no harm
  const unknown = modes.find(m => !['ro', 'rw', 'cached', 'delegated', 'consistent'].includes(m));
  if (unknown !== undefined) throw wrong(`"${unknown}" is neither ro nor rw`);
  const mount = { target, readOnly: modes.includes('ro') };
  if (isPath(source)) return { type: 'bind', source: path.resolve(cwd, source), ...mount };
  if (isVolumeName(source)) return { type: 'volume', source, ...mount };
  throw wrong(`"${source}" is neither a path nor the name of a volume`);
}

/** `type=bind,source=…,target=…,readonly`: comma-separated values, which may be quoted. Docker's default type is volume. */
function parseMount(text: string, cwd: string): Given {
  const wrong = (why: string): HeadjackError =>
    new HeadjackError('usage', `--mount ${text}: ${why}`, {
      hint: 'for instance --mount type=bind,source=./data,target=/data,readonly',
    });
  const fields: Record<string, string> = {};
  for (const part of splitCsv(text)) {
    const at = part.indexOf('=');
    const name = (at < 0 ? part : part.slice(0, at)).toLowerCase();
    const value = at < 0 ? undefined : part.slice(at + 1);
    const key = { src: 'source', dst: 'target', destination: 'target', ro: 'readonly' }[name] ?? name;
    if (!['type', 'source', 'target', 'readonly', 'tmpfs-size', 'tmpfs-mode'].includes(key))
      throw wrong(`unexpected key '${name}' in '${part}'`);
    if (value === undefined && key !== 'readonly')
      throw wrong(`invalid field '${part}' must be a key=value pair`);
    fields[key] = value ?? 'true';
  }
  const { type = 'volume', source = '', target = '', readonly = 'false' } = fields;
  if (!target.startsWith('/')) throw wrong(target === '' ? 'target is required' : 'target must be absolute');
  if (!/^(true|1|false|0)$/.test(readonly)) throw wrong(`invalid value for readonly: ${readonly}`);
  const mount = { target, readOnly: /^(true|1)$/.test(readonly) };
  if (type === 'tmpfs') {
    const size = fields['tmpfs-size'];
    const bytes = size === undefined ? undefined : parseSize(size);
    if (size !== undefined && bytes === undefined) throw wrong(`invalid value for tmpfs-size: ${size}`);
    const options = [
      ...(bytes === undefined ? [] : [`size=${String(bytes)}`]),
      ...(fields['tmpfs-mode'] === undefined ? [] : [`mode=${fields['tmpfs-mode']}`]),
      ...(mount.readOnly ? ['ro'] : []),
    ];
    return { type, target, options: options.join(',') };
  }
  if (type === 'bind') {
    if (!isPath(source)) throw wrong('source is required, and is a path');
    return { type, source: path.resolve(cwd, source), ...mount };
  }
  if (type !== 'volume') throw wrong(`invalid type '${type}': bind, volume or tmpfs`);
  if (source !== '' && !isVolumeName(source)) throw wrong(`"${source}" is no name of a volume`);
  return { type, source, ...mount };
}

/** The fields of a `--mount`, which may be quoted. */
export function splitCsv(text: string): string[] {
  return [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '',
  );
}

/** `-p [ip:][host:]container[/tcp|udp|sctp]`; both ports may be ranges of one length. @throws HeadjackError usage */
export function parsePorts(given: readonly string[]): PublishedPort[] {
  return given.flatMap(text => {
    const match =
      /^(?:(?:(\[[0-9a-fA-F:]+\]|[0-9.]+):)?(\d*|\d+-\d+):)?(\d+|\d+-\d+)(\/(?:tcp|udp|sctp))?$/.exec(text);
    const [, ip = '', host = '', container = '', protocol = '/tcp'] = match ?? [];
    const inside = expand(container);
    const outside = host === '' ? inside?.map(() => '') : expand(host)?.map(String);
    if (match === null || inside === undefined || outside === undefined || inside.length !== outside.length) {
      throw new HeadjackError(
        'usage',
        `--publish ${text}: it is not of the form [ip:][host port:]container port[/udp]`,
        {
          hint: 'for instance --publish 127.0.0.1:8080:80',
        },
      );
    }
    return inside.map((port, i) => ({
      container: `${String(port)}${protocol}`,
      hostIp: ip.replace(/^\[|\]$/g, ''),
      hostPort: outside[i] ?? '',
    }));
  });
}

/** The ports of `80` or `80-82`. Undefined where one is out of range. */
function expand(text: string): number[] | undefined {
  const [first = 0, last = first] = text.split('-').map(Number);
  if (first < 1 || last > 65_535 || last < first) return undefined;
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

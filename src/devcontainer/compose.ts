import path from 'node:path';
import { parse } from 'yaml';
import { itemsOf, type ComposePlace } from './compose-place.ts';
import { serviceReaches } from './compose-service.ts';
import { isRecord, textOf } from './config.ts';
import { variableReach } from './host-variables.ts';
import { labelReaches } from './labels.ts';

/** A compose file, or what `compose config` makes of several. Nothing in it is trusted to be of the right type. */
export interface ComposeDocument {
  readonly version: string | undefined;
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly rest: Readonly<Record<string, unknown>>;
}

/**
 * Numbers stay as they are written: what is one differs from reader to reader, and an id such as `8134e237` is the number 8.134e+240 to
 * some.
 */
function isNumber(tag: unknown): boolean {
  return isRecord(tag) && /^tag:yaml\.org,2002:(int|float)$/.test(String(tag['tag']));
}

/** Undefined for a text that is no compose file. */
export function parseCompose(text: string): ComposeDocument | undefined {
  let parsed: unknown;
  try {
    parsed = parse(text, { maxAliasCount: 100, customTags: tags => tags.filter(tag => !isNumber(tag)) });
  } catch {
    return undefined;
  }
  if (!isRecord(parsed)) return undefined;
  const { version, services, ...rest } = parsed;
  return {
    version: typeof version === 'string' || typeof version === 'number' ? String(version) : undefined,
    services: Object.fromEntries(
      Object.entries(isRecord(services) ? services : {}).map(([name, service]) => [
        name,
        isRecord(service) ? service : {},
      ]),
    ),
    rest,
  };
}

/** What compose files reach of this machine, a line each, as run-options.ts says it of `docker run`. */
export function findComposeReaches(document: ComposeDocument, place: ComposePlace): string[] {
  return [
    ...Object.entries(document.services).flatMap(([name, service]) =>
      Object.entries(service).flatMap(([key, value]) =>
        serviceReaches(key, value, place).map(line => `service ${name}: ${line}`),
      ),
    ),
    ...Object.entries(document.rest).flatMap(([key, value]) => topReaches(key, value, place)),
  ];
}

function topReaches(key: string, value: unknown, place: ComposePlace): string[] {
  if (key === 'name' || key.startsWith('x-') || value === null) return [];
  const named = Object.entries(isRecord(value) ? value : {}).map(
    ([name, given]) => [name, isRecord(given) ? given : {}] as const,
  );
  switch (key) {
    case 'volumes':
    case 'networks':
      return named.flatMap(([name, given]) => {
        const own = given['name'] === undefined || given['name'] === `${place.project}_${name}`;
        const plain = Object.entries(given).every(
          ([part, of]) => ['name', 'labels', 'ipam', 'internal'].includes(part) || isEmpty(part, of),
        );
        return [
          ...labelReaches(given['labels']),
          ...(own && plain
            ? []
            : [`${key.slice(0, -1)} ${name}: ${JSON.stringify(given)}: not of this project alone`]),
        ];
      });
    case 'secrets':
    case 'configs':
      // a file of the worktree is mounted by its name, and could be a link elsewhere at the next start
      return named.flatMap(([name, given]) =>
        Object.entries(given).flatMap(([part, of]) => {
          if (part === 'name' || part === 'content' || isEmpty(part, of)) return [];
          if (part === 'environment') return [variableReach(textOf(of) ?? '')];
          return [`${key.slice(0, -1)} ${name}: ${part} ${typeof of === 'string' ? of : JSON.stringify(of)}`];
        }),
      );
    case 'include':
      return itemsOf(value).map(
        item => `include ${JSON.stringify(item)}: compose reads it and what it names`,
      );
    default:
      return [`${key}: ${JSON.stringify(value)}`];
  }
}

/** Drivers that do what is done without naming them. */
function isEmpty(part: string, value: unknown): boolean {
  return (
    value === false ||
    (part === 'driver' && (value === 'local' || value === 'bridge' || value === 'default')) ||
    (isRecord(value) && Object.keys(value).length === 0)
  );
}

/** Files and folders that compose reads for what it makes, as they are written: which of them are links is not seen from here. */
export function composeReads(document: ComposeDocument): string[] {
  const texts = (value: unknown, key: string): string[] =>
    itemsOf(value).flatMap(item => textOf(isRecord(item) ? item[key] : item) ?? []);
  return [
    ...Object.values(document.services).flatMap(service => {
      const { build } = service;
      const [context = '.'] = texts(build, 'context');
      const dockerfile = isRecord(build) ? textOf(build['dockerfile']) : undefined;
      return [
        ...(build === undefined ? [] : [context]),
        ...(dockerfile === undefined
          ? []
          : [path.posix.isAbsolute(dockerfile) ? dockerfile : path.posix.join(context, dockerfile)]),
        ...texts(service['env_file'], 'path'),
      ];
    }),
    ...['secrets', 'configs'].flatMap(key => {
      const defined = document.rest[key];
      return isRecord(defined) ? Object.values(defined).flatMap(one => texts(one, 'file')) : [];
    }),
  ];
}

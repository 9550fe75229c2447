import { parse, type ParseError } from 'jsonc-parser';
import { HeadjackError } from '../errors.ts';

/** A devcontainer.json, as written. Nothing in it is trusted to be of the right type. */
export type DevcontainerConfig = Readonly<Record<string, unknown>>;

/** Keys that say nothing to the engine: with `image` alone beside them, the image is all there is to it. */
const silentKeys: readonly string[] = [
  '$schema',
  'name',
  'image',
  'customizations',
  'settings',
  'extensions',
  'shutdownAction',
  'portsAttributes',
  'otherPortsAttributes',
];

/** @throws HeadjackError devcontainer_invalid */
export function parseDevcontainer(text: string, file: string): DevcontainerConfig {
  const errors: ParseError[] = [];
  // editors of Windows begin a file with a mark of its encoding
  const parsed: unknown = parse(text.replace(/^\ufeff/, ''), errors, { allowTrailingComma: true });
  if (errors.length === 0 && isRecord(parsed)) return parsed;
  throw new HeadjackError('devcontainer_invalid', `${file} of the branch is no valid JSON with comments`, {
    hint: 'correct it, or do without it: --image <ref>',
  });
}

/** Whether more than an image has to be made of it. */
export function needsBuilder(config: DevcontainerConfig): boolean {
  return Object.keys(config).some(key => !silentKeys.includes(key));
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A text, or a list of texts: `dockerComposeFile`, `runArgs`, `cacheFrom`. */
export function textsOf(value: unknown): string[] {
  return (Array.isArray(value) ? (value as unknown[]) : [value]).filter(
    (item): item is string => typeof item === 'string' && item !== '',
  );
}

/** What the devcontainer CLI calls an instance's container: `${devcontainerId}`, made of its id labels as the specification says. */
export function devcontainerId(idLabels: Readonly<Record<string, string>>): string {
  const sorted = Object.keys(idLabels).sort();
  const hash = process.getBuiltinModule('node:crypto').createHash('sha256');
  const hex = hash.update(JSON.stringify(idLabels, sorted)).digest('hex');
  return BigInt(`0x${hex}`).toString(32).padStart(52, '0');
}

/** What variables in a devcontainer.json stand for. */
export interface Variables {
  readonly env: NodeJS.ProcessEnv;
  /** The worktree, which is at its own path in the container too. */
  readonly worktree: string;
  readonly devcontainerId: string;
}

/** The configuration with its variables replaced, as far as they are known before there is a container. */
export function substitute<T>(value: T, variables: Variables): T {
  if (typeof value === 'string')
    return value.replace(
      /\$\{([^}]*)\}/g,
      (whole, inside: string) => resolve(inside, variables) ?? whole,
    ) as T;
  if (Array.isArray(value)) return value.map(item => substitute(item as unknown, variables)) as T;
  if (isRecord(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, substitute(item, variables)]),
    ) as T;
  return value;
}

function resolve(inside: string, { env, worktree, devcontainerId: id }: Variables): string | undefined {
  const [name = '', ...rest] = inside.split(':');
  const folder = worktree.slice(worktree.lastIndexOf('/') + 1);
  switch (name) {
    case 'localEnv':
    case 'env':
      return env[rest[0] ?? ''] ?? rest[1] ?? '';
    case 'localWorkspaceFolder':
    case 'containerWorkspaceFolder':
      return worktree;
    case 'localWorkspaceFolderBasename':
    case 'containerWorkspaceFolderBasename':
      return folder;
    case 'devcontainerId':
      return id;
    default:
      return undefined;
  }
}

/** The Dockerfile that it names, from its own folder on. */
export function dockerfileOf(config: DevcontainerConfig): string | undefined {
  const build = isRecord(config['build']) ? config['build'] : {};
  return textOf(build['dockerfile']) ?? textOf(config['dockerFile']);
}

import fs from 'node:fs';
import path from 'node:path';
import {
  findReach,
  mountOf,
  splitRunOptions,
  type Inside,
  type RunOption,
} from '../../devcontainer/run-options.ts';
import { leadsInto } from '../../process/files.ts';

/** A `docker run` of the devcontainer CLI, taken apart. */
export interface RunCall {
  readonly options: readonly RunOption[];
  readonly image: string;
  /** The script that it gives to `sh -c`, which ends with `exec "$@"`. */
  readonly script: string;
  /** What follows the script: `-`, and the image's own command where that is to run. */
  readonly rest: readonly string[];
}

/** Undefined for a `docker run` of another form. */
export function parseRunCall(args: readonly string[]): RunCall | undefined {
  const at = args.lastIndexOf('-c');
  const script = args[at + 1] ?? '';
  if (at < 2 || !script.startsWith('echo Container started\n')) return undefined;
  return {
    options: splitRunOptions(args.slice(1, at - 1)),
    image: args[at - 1] ?? '',
    script,
    rest: args.slice(at + 2),
  };
}

/** What a build is seen to reach: a context or Dockerfile elsewhere, options that nobody knows to be harmless. */
export function findBuildReaches(args: readonly string[], allowed: readonly string[]): string[] {
  const within = (place: string): boolean => leadsInto(path.resolve(place), allowed);
  const found: string[] = [];
  const options = args.slice(args[0] === 'buildx' ? 2 : 1, -1);
  for (let i = 0; i < options.length; i++) {
    const word = options[i] ?? '';
    const equals = word.indexOf('=');
    const name = equals > 0 && word.startsWith('--') ? word.slice(0, equals) : word;
    if (['--load', '--no-cache', '--pull', '--progress=plain', '-q', '--quiet'].includes(word)) continue;
    const value = equals > 0 && word.startsWith('--') ? word.slice(equals + 1) : (options[++i] ?? '');
    if (['-t', '--tag', '--target', '--platform', '--label', '--progress'].includes(name)) continue;
    if (name === '--build-arg' && value.includes('=')) continue;
    if (name === '--cache-from' && !value.includes('=')) continue;
    if (['-f', '--file'].includes(name)) {
      if (!within(value)) found.push(`Dockerfile ${value}: files outside the worktree go into the image`);
    } else if (name === '--build-context' && within(value.slice(value.indexOf('=') + 1))) continue;
    else found.push(`build option ${name} ${value}`.trim());
  }
  const context = args.at(-1) ?? '';
  if (!within(context)) found.push(`build context ${context}: files outside the worktree go into the image`);
  return found;
}

/** Names that the file's own build options give the image are left out: they would be replaced for everybody on the engine. */
export function withoutTags(words: readonly string[], given: readonly string[]): string[] {
  const named = new Set(
    given.flatMap((word, i) =>
      /^(-t|--tag)$/.test(word) ? (given[i + 1] ?? []) : (/^(?:-t=?|--tag=)(.+)$/s.exec(word)?.[1] ?? []),
    ),
  );
  return words.filter((word, i) => {
    if (/^(-t|--tag)$/.test(word)) return !named.has(words[i + 1] ?? '');
    if (/^(-t|--tag)$/.test(words[i - 1] ?? '')) return !named.has(word);
    return !named.has(/^(?:-t=?|--tag=)(.+)$/s.exec(word)?.[1] ?? '');
  });
}

/** What the options reach, each once. */
export function findRunReaches(options: readonly RunOption[], inside: Inside): string[] {
  return [...new Set(options.flatMap(option => findReach(option, inside) ?? []))];
}

/** A volume of the container's own, by the id in its name: it goes with the instance. */
export function findOwnVolumes(options: readonly RunOption[], devcontainerId: string): string[] {
  const names = options
    .map(option => mountOf(option)?.source ?? '')
    .filter(name => name.includes(devcontainerId));
  return [...new Set(names)];
}

/**
 * Ports of `forwardPorts`, published on this machine alone: under their own number where that is free, else under one that the engine
 * chooses.
 */
export async function forwardedPorts(
  wanted: unknown,
  published: readonly string[],
): Promise<{ container: string; hostIp: string; hostPort: string }[]> {
  const ports = (Array.isArray(wanted) ? (wanted as unknown[]) : []).filter(
    (port): port is number => typeof port === 'number' && port > 0 && port < 65_536,
  );
  const open = ports.filter(
    port => !published.some(given => new RegExp(`(^|:)${String(port)}(/tcp)?$`).test(given)),
  );
  return Promise.all(
    open.map(async port => ({
      container: `${String(port)}/tcp`,
      hostIp: '127.0.0.1',
      hostPort: (await isFree(port)) ? String(port) : '',
    })),
  );
}

function isFree(port: number): Promise<boolean> {
  const net = process.getBuiltinModule('node:net');
  return new Promise(resolve => {
    const server = net.createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** Puts a text into a new file of a private folder. */
export function fileIn(folder: string): (text: string) => string {
  return text => {
    const file = path.join(fs.mkdtempSync(path.join(folder, 'text-')), 'text');
    fs.writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
}

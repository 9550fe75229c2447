import path from 'node:path';
import { commandsOf, composeFiles, type BranchFile, type DevcontainerContent } from './branch-files.ts';
import { findNamedByCompose } from './compose-files.ts';
import { findComposeReaches, parseCompose } from './compose.ts';
import {
  dockerfileOf,
  isRecord,
  parseDevcontainer,
  textOf,
  textsOf,
  type DevcontainerConfig,
} from './config.ts';
import {
  composeVariables,
  environmentFileVariables,
  findLocalVariables,
  variableReach,
} from './host-variables.ts';
import { findReach, mountReach, splitRunOptions, type Inside } from './run-options.ts';

/**
 * What a branch's devcontainer.json reaches of this machine, a line each: commands that run here, mounts, rights, variables, files
 * outside the worktree. Whoever wrote the branch may be an agent; none of it happens before a user has approved it. What an image or
 * a feature from a registry adds is not seen here: the engine gate judges it when it comes.
 * @param inside for the configuration as written, the variables themselves
 */
export function findReaches(
  config: DevcontainerConfig,
  content: DevcontainerContent,
  inside: Inside,
): string[] {
  const folder = path.posix.dirname(content.file);
  return [
    ...commandsOf(config['initializeCommand']).map(
      command => `initializeCommand runs on this machine, as you: ${command}`,
    ),
    ...containerReaches(config, inside),
    ...textsOf(config['appPort'])
      .concat(numbersOf(config['appPort']).map(port => `127.0.0.1:${String(port)}:${String(port)}`))
      .flatMap(port => reachOf(['--publish', port], inside)),
    ...splitRunOptions(textsOf(config['runArgs'])).flatMap(option => findReach(option, inside) ?? []),
    ...(isRecord(config['hostRequirements']) && wantsGpu(config['hostRequirements']['gpu'])
      ? ['gpus all: programs inside use it directly']
      : []),
    ...buildReaches(config, folder),
    ...localFeatures(content).flatMap(feature => containerReaches(feature, inside)),
    ...composed(config, content, inside),
    ...[config, ...localFeatures(content)].flatMap(findLocalVariables).map(variableReach),
    ...content.files
      .filter(file => file.link && leavesWorktree(file))
      .map(file => `link ${file.path} → ${file.content.toString('utf8')}: leads out of the worktree`),
  ].filter((line, i, all) => all.indexOf(line) === i);
}

/** Compose files, as they are written, with those that they extend, and files of variables. */
function composed(config: DevcontainerConfig, content: DevcontainerContent, inside: Inside): string[] {
  const names = composeFiles(config);
  if (names.length === 0) return [];
  const folder = path.posix.dirname(content.file);
  const named = names.map(name => path.posix.normalize(path.posix.join(folder, name)));
  const { compose, env } = findNamedByCompose(content.files, named);
  const text = (where: string): string =>
    content.files.find(({ path: at, link }) => at === where && !link)?.content.toString('utf8') ?? '';
  return [
    ...compose.flatMap(where => {
      const document = parseCompose(text(where));
      if (document === undefined) return [`compose file ${where}: cannot be read here`];
      const base = path.posix.join(inside.worktree, path.posix.dirname(where));
      return [
        ...findComposeReaches(document, { ...inside, base, project: '' }),
        ...composeVariables(text(where)).map(variableReach),
      ];
    }),
    ...env.flatMap(where => environmentFileVariables(text(where)).map(variableReach)),
  ];
}

/** What the configuration and a feature have in common. */
function containerReaches(config: DevcontainerConfig, inside: Inside): string[] {
  return [
    ...(config['privileged'] === true ? reachOf(['--privileged'], inside) : []),
    ...textsOf(config['capAdd']).flatMap(name => reachOf(['--cap-add', name], inside)),
    ...textsOf(config['securityOpt']).flatMap(option => reachOf(['--security-opt', option], inside)),
    ...(Array.isArray(config['mounts']) ? (config['mounts'] as unknown[]) : []).flatMap(mount => {
      if (typeof mount === 'string') return reachOf(['--mount', mount], inside);
      if (!isRecord(mount)) return [];
      const fields = Object.entries(mount).map(([key, value]) => [key, String(value)] as const);
      return mountReach(Object.fromEntries(fields), inside) ?? [];
    }),
  ];
}

function reachOf(words: readonly string[], inside: Inside): string[] {
  return splitRunOptions(words).flatMap(option => findReach(option, inside) ?? []);
}

function numbersOf(value: unknown): number[] {
  return (Array.isArray(value) ? (value as unknown[]) : [value]).filter(
    (item): item is number => typeof item === 'number',
  );
}

function wantsGpu(value: unknown): boolean {
  return value === true || value === 'optional' || isRecord(value);
}

/** A build reads its context: what of it lies outside the worktree would get into the image. */
function buildReaches(config: DevcontainerConfig, folder: string): string[] {
  const build = isRecord(config['build']) ? config['build'] : {};
  const places = {
    'build context': textOf(build['context']) ?? textOf(config['context']),
    Dockerfile: dockerfileOf(config),
  };
  return [
    ...Object.entries(places).flatMap(([what, place]) =>
      place === undefined || !outside(path.posix.join(folder, place), place)
        ? []
        : [`${what} ${place}: files outside the worktree go into the image`],
    ),
    ...textsOf(build['options']).map(option => `build option ${option}`),
    ...textsOf(build['cacheFrom'])
      .filter(from => from.includes('='))
      .map(from => `build cache ${from}`),
  ];
}

function outside(joined: string, given: string): boolean {
  const place = path.posix.normalize(joined);
  return path.posix.isAbsolute(given) || given.includes('${') || place === '..' || place.startsWith('../');
}

function leavesWorktree(file: BranchFile): boolean {
  const target = file.content.toString('utf8');
  return outside(path.posix.join(path.posix.dirname(file.path), target), target);
}

function localFeatures(content: DevcontainerContent): DevcontainerConfig[] {
  return content.files
    .filter(file => !file.link && path.posix.basename(file.path) === 'devcontainer-feature.json')
    .map(file => parseDevcontainer(file.content.toString('utf8'), file.path));
}

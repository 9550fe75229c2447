import fs from 'node:fs';
import { HeadjackError } from '../errors.ts';
import { parseConfigPath, parsePath, valueOf } from './path-value.ts';

export const pathNames = [
  'state_root',
  'config_root',
  'config_file',
  'catalog',
  'worktrees',
  'logs',
  'credentials',
] as const;
export type PathName = (typeof pathNames)[number];

export interface ResolvedPath {
  readonly name: PathName;
  /** Absolute. */
  readonly path: string;
  /** What decided: a flag, a variable, a key of config.yaml, or `default`. */
  readonly source: string;
}

/** What path resolution depends on besides the file system. */
export interface PathInput {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** The user's home as the system knows it. */
  readonly userHome: string;
  readonly flags: { readonly config?: string | undefined; readonly catalog?: string | undefined };
}

/** The `storage` section of config.yaml as written. */
export interface StorageConfig {
  readonly catalog?: string | undefined;
  readonly worktrees?: string | undefined;
  readonly logs?: string | undefined;
}

interface Found {
  path: string;
  source: string;
}

/** The roots and the config file: all that is known before config.yaml is read. */
export interface Roots {
  readonly home: string;
  readonly state: Found;
  readonly config: Found;
  readonly configFile: Found & { readonly legacy: boolean };
}

const PROFILE = /^[A-Za-z0-9_-]{1,64}$/;

/** @throws HeadjackError path_invalid */
export function resolveRoots(input: PathInput): Roots {
  const { env, cwd, flags } = input;
  const givenHome = valueOf(env['HEADJACK_HOME']);
  const home =
    givenHome === undefined
      ? input.userHome
      : parsePath(givenHome, 'HEADJACK_HOME', { cwd, home: input.userHome });
  const homeSource = givenHome === undefined ? 'default' : 'HEADJACK_HOME';
  const fromVariable = (name: string): Found | undefined => {
    const value = valueOf(env[name]);
    return value === undefined ? undefined : { path: parsePath(value, name, { cwd, home }), source: name };
  };

  const profile = valueOf(env['HEADJACK_PROFILE']);
  if (profile !== undefined && !PROFILE.test(profile)) {
    throw new HeadjackError(
      'path_invalid',
      `HEADJACK_PROFILE: ${JSON.stringify(profile)} is no profile name`,
      {
        hint: 'use letters, digits, - and _ only, at most 64 of them',
      },
    );
  }
  /** A root below the home, moved by a profile or an XDG variable. The original ignores XDG: its users' data must be found. */
  const derived = (base: string, xdg: 'XDG_DATA_HOME' | 'XDG_CONFIG_HOME'): Found => {
    if (profile !== undefined && profile !== 'default') {
      return { path: `${home}/${base}/headjack-${profile}`, source: 'HEADJACK_PROFILE' };
    }
    const standard = `${home}/${base}/headjack`;
    const xdgBase = givenHome === undefined ? valueOf(env[xdg]) : undefined;
    if (xdgBase?.startsWith('/') === true) {
      const place = parsePath(`${xdgBase}/headjack`, xdg, { cwd, home });
      if (fs.existsSync(place) || !fs.existsSync(standard)) return { path: place, source: xdg };
    }
    return { path: parsePath(standard, 'HEADJACK_HOME', { cwd, home }), source: homeSource };
  };

  const givenState = fromVariable('HEADJACK_STATE_DIR');
  const state = givenState ?? derived('.local/share', 'XDG_DATA_HOME');
  const config =
    fromVariable('HEADJACK_CONFIG_DIR') ??
    (givenState === undefined
      ? derived('.config', 'XDG_CONFIG_HOME')
      : { path: `${givenState.path}/config`, source: 'HEADJACK_STATE_DIR' });

  const flag = valueOf(flags.config);
  const given =
    flag === undefined
      ? (fromVariable('HEADJACK_CONFIG_PATH') ?? fromVariable('HEADJACK_CONFIG'))
      : { path: parsePath(flag, '--config', { cwd, home }), source: '--config' };
  if (given !== undefined) return { home, state, config, configFile: { ...given, legacy: false } };
  const current = { path: `${config.path}/config.yaml`, source: config.source };
  const old = { path: `${state.path}/config.yaml`, source: state.source };
  const legacy = !fs.existsSync(current.path) && fs.existsSync(old.path);
  return { home, state, config, configFile: { ...(legacy ? old : current), legacy } };
}

/** A value that the original wrote into config.yaml by itself counts as unset: a profile would share the default place. */
function isWrittenDefault(value: string, standard: string, homes: readonly string[]): boolean {
  return homes.some(home => [`~/${standard}`, `${home}/${standard}`].includes(value.replace(/\/+$/, '')));
}

/**
 * All paths, in the order of `hjk paths`. Nothing is created.
 * @throws HeadjackError path_invalid
 */
export function resolvePaths(input: PathInput, roots: Roots, storage: StorageConfig): ResolvedPath[] {
  const { env, cwd, flags } = input;
  const { home, state, config, configFile } = roots;
  const place = (file: string, variables: readonly string[], key?: keyof StorageConfig): Found => {
    for (const name of variables) {
      const value = valueOf(env[name]);
      if (value !== undefined) return { path: parsePath(value, name, { cwd, home }), source: name };
    }
    const written = key === undefined ? undefined : valueOf(storage[key]);
    if (
      key !== undefined &&
      written !== undefined &&
      !isWrittenDefault(written, `.local/share/headjack/${file}`, [home, input.userHome])
    ) {
      return {
        path: parseConfigPath(written, `storage.${key}`, configFile.path, home),
        source: `storage.${key}`,
      };
    }
    return { path: `${state.path}/${file}`, source: state.source };
  };
  const flag = valueOf(flags.catalog);
  const catalog =
    flag === undefined
      ? place('catalog.json', ['HEADJACK_CATALOG', 'HEADJACK_STORAGE_CATALOG'], 'catalog')
      : { path: parsePath(flag, '--catalog', { cwd, home }), source: '--catalog' };
  return [
    { name: 'state_root', ...state },
    { name: 'config_root', ...config },
    { name: 'config_file', path: configFile.path, source: configFile.source },
    { name: 'catalog', ...catalog },
    {
      name: 'worktrees',
      ...place('git', ['HEADJACK_WORKTREE_DIR', 'HEADJACK_STORAGE_WORKTREES'], 'worktrees'),
    },
    { name: 'logs', ...place('logs', ['HEADJACK_LOG_DIR', 'HEADJACK_STORAGE_LOGS'], 'logs') },
    { name: 'credentials', ...place('credentials', ['HEADJACK_CREDENTIALS_DIR']) },
  ];
}

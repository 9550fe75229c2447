import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolvePaths, resolveRoots, type PathName, type StorageConfig } from '../../../src/config/paths.ts';
import { makeFolder } from '../../support/sandbox.ts';

let home: string;
beforeEach(() => {
  home = makeFolder();
});
afterEach(() => {
  fs.rmSync(home, { recursive: true, force: true });
});

interface Case {
  env?: NodeJS.ProcessEnv;
  flags?: { config?: string; catalog?: string };
  storage?: StorageConfig;
  cwd?: string;
}
function resolve(of: Case = {}): Record<PathName, { path: string; source: string }> {
  const input = { env: of.env ?? {}, cwd: of.cwd ?? '/work dir', userHome: home, flags: of.flags ?? {} };
  const list = resolvePaths(input, resolveRoots(input), of.storage ?? {});
  return Object.fromEntries(list.map(p => [p.name, { path: p.path, source: p.source }])) as Record<
    PathName,
    { path: string; source: string }
  >;
}

it('with nothing set the paths are those of the storage reference', () => {
  expect(
    Object.fromEntries(
      Object.entries(resolve()).map(([name, found]) => [name, found.path.replace(home, '~')]),
    ),
  ).toEqual({
    state_root: '~/.local/share/headjack',
    config_root: '~/.config/headjack',
    config_file: '~/.config/headjack/config.yaml',
    catalog: '~/.local/share/headjack/catalog.json',
    worktrees: '~/.local/share/headjack/git',
    logs: '~/.local/share/headjack/logs',
    credentials: '~/.local/share/headjack/credentials',
  });
});

describe('precedence', () => {
  const all: Case = {
    flags: { config: '/f/c.yaml', catalog: '/f/catalog' },
    env: {
      HEADJACK_CATALOG: '/e/catalog',
      HEADJACK_STORAGE_CATALOG: '/o/catalog',
      HEADJACK_STATE_DIR: '/s',
      HEADJACK_PROFILE: 'p',
      XDG_DATA_HOME: '/xdg',
    },
    storage: { catalog: '/c/catalog' },
  };
  const without = (...names: string[]): Case => ({
    ...all,
    flags: {},
    env: Object.fromEntries(Object.entries(all.env ?? {}).filter(([n]) => !names.includes(n))),
  });
  it.each<[string, Case, string]>([
    ['--catalog', all, '/f/catalog'],
    ['HEADJACK_CATALOG', without(), '/e/catalog'],
    ['HEADJACK_STORAGE_CATALOG', without('HEADJACK_CATALOG'), '/o/catalog'],
    ['storage.catalog', without('HEADJACK_CATALOG', 'HEADJACK_STORAGE_CATALOG'), '/c/catalog'],
    [
      'HEADJACK_STATE_DIR',
      { ...without('HEADJACK_CATALOG', 'HEADJACK_STORAGE_CATALOG'), storage: {} },
      '/s/catalog.json',
    ],
  ])('%s decides', (source, of, wanted) => {
    expect(resolve(of).catalog).toEqual({ path: wanted, source });
  });
  it('a profile moves both roots, and comes before XDG', () => {
    const found = resolve({ env: { HEADJACK_PROFILE: 'work', XDG_DATA_HOME: '/xdg' } });
    expect(found.state_root).toEqual({
      path: `${home}/.local/share/headjack-work`,
      source: 'HEADJACK_PROFILE',
    });
    expect(found.config_root.path).toBe(`${home}/.config/headjack-work`);
    expect(resolve({ env: { HEADJACK_PROFILE: 'default' } }).state_root.path).toBe(
      `${home}/.local/share/headjack`,
    );
  });
  it('XDG counts where its place exists or the usual one does not, and not with HEADJACK_HOME or a relative value', () => {
    expect(resolve({ env: { XDG_DATA_HOME: '/xdg' } }).state_root).toEqual({
      path: '/xdg/headjack',
      source: 'XDG_DATA_HOME',
    });
    expect(resolve({ env: { XDG_DATA_HOME: 'xdg' } }).state_root.source).toBe('default');
    expect(resolve({ env: { XDG_DATA_HOME: '/xdg', HEADJACK_HOME: '/h' } }).state_root.path).toBe(
      '/h/.local/share/headjack',
    );
    fs.mkdirSync(path.join(home, '.local/share/headjack'), { recursive: true });
    expect(resolve({ env: { XDG_DATA_HOME: '/xdg' } }).state_root.source).toBe('default');
    fs.mkdirSync(path.join(home, 'xdg/headjack'), { recursive: true });
    expect(resolve({ env: { XDG_DATA_HOME: path.join(home, 'xdg') } }).state_root.source).toBe(
      'XDG_DATA_HOME',
    );
  });
  it('the state root brings its config along only where it is set itself', () => {
    expect(resolve({ env: { HEADJACK_STATE_DIR: '/s' } }).config_root).toEqual({
      path: '/s/config',
      source: 'HEADJACK_STATE_DIR',
    });
    expect(resolve({ env: { HEADJACK_STATE_DIR: '/s', HEADJACK_CONFIG_DIR: '/c' } }).config_root.path).toBe(
      '/c',
    );
  });
  it('the config file: flag, HEADJACK_CONFIG_PATH, HEADJACK_CONFIG, the root, the old place', () => {
    const env = { HEADJACK_CONFIG_PATH: '/a', HEADJACK_CONFIG: '/b' };
    expect(resolve({ env, flags: { config: '/c' } }).config_file).toEqual({ path: '/c', source: '--config' });
    expect(resolve({ env, flags: { config: ' ' } }).config_file.source).toBe('HEADJACK_CONFIG_PATH');
    expect(resolve({ env: { HEADJACK_CONFIG: '/b' } }).config_file.source).toBe('HEADJACK_CONFIG');
    fs.mkdirSync(path.join(home, '.local/share/headjack'), { recursive: true });
    fs.writeFileSync(path.join(home, '.local/share/headjack/config.yaml'), '');
    expect(resolve().config_file.path).toBe(`${home}/.local/share/headjack/config.yaml`);
  });
  it('the defaults that the original wrote into config.yaml count as unset', () => {
    const storage = {
      catalog: '~/.local/share/headjack/catalog.json',
      worktrees: `${home}/.local/share/headjack/git/`,
      logs: '/my/logs',
    };
    const found = resolve({ env: { HEADJACK_PROFILE: 'p' }, storage });
    expect(found.catalog.path).toBe(`${home}/.local/share/headjack-p/catalog.json`);
    expect(found.worktrees.source).toBe('HEADJACK_PROFILE');
    expect(found.logs).toEqual({ path: '/my/logs', source: 'storage.logs' });
  });
});

describe('values', () => {
  it.each([
    [' /x ', '/x'],
    ['/a//b/./c/', '/a/b/c'],
    ['/a/../b', '/a/../b'],
    ['rel/x', '/work dir/rel/x'],
    ['./x', '/work dir/x'],
    ['~', 'HOME'],
    ['~/x', 'HOME/x'],
  ])('%j is %s', (value, wanted) => {
    expect(resolve({ env: { HEADJACK_LOG_DIR: value } }).logs.path).toBe(wanted.replace('HOME', home));
  });
  it('blank means unset', () => {
    expect(resolve({ env: { HEADJACK_LOG_DIR: '  ' } }).logs.source).toBe('default');
  });
  it.each([
    ['HEADJACK_LOG_DIR', { env: { HEADJACK_LOG_DIR: '~root/x' } }],
    ['--catalog', { flags: { catalog: '~root/x' } }],
    ['HEADJACK_PROFILE', { env: { HEADJACK_PROFILE: 'a/../../etc' } }],
    ['HEADJACK_PROFILE', { env: { HEADJACK_PROFILE: 'x'.repeat(65), HEADJACK_STATE_DIR: '/s' } }],
    ['storage.logs', { storage: { logs: 'relative' } }],
  ] satisfies [string, Case][])('a bad value names %s', (name, of) => {
    expect(() => resolve(of)).toThrow(
      expect.objectContaining({
        code: 'path_invalid',
        exitCode: 2,
        message: expect.stringContaining(name) as string,
      }) as Error,
    );
  });
  it('resolving creates nothing', () => {
    resolve();
    expect(fs.readdirSync(home)).toEqual([]);
  });
});

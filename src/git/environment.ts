import type { ScopedSetting } from './scoped-config.ts';
import { OPERATION_VARIABLE } from '../process/by-environment.ts';

/**
 * The environment of every git that hjk starts: the caller's, without anything that would point it at another repository,
 * index or configuration, or make it ask.
 */
export function gitEnvironment(env: NodeJS.ProcessEnv, extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) {
    if (name === OPERATION_VARIABLE || (!name.startsWith('GIT_') && !name.startsWith('HEADJACK_')))
      kept[name] = value;
  }
  return { ...kept, GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C', LANGUAGE: 'C', ...extra };
}

/** Settings that keep a repository's own configuration from running programs or misreading the tree. */
export const defusedSettings: readonly string[] = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.untrackedCache=false',
  'core.alternateRefsCommand=',
  'submodule.recurse=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'commit.gpgSign=false',
  'log.showSignature=false',
  'core.quotePath=true',
];

/** What `overrides` has to know of the configuration: `git config --show-scope -z --get-regexp <this>`. */
export const DRIVERS = '^(filter|merge)\\.';

/**
 * Settings that replace the filter drivers and merge drivers which only the repository's own configuration defines by none. Those of the user's
 * global and system configuration stay (Git LFS: without it a clean file looks changed).
 */
export function filterOverrides(entries: readonly ScopedSetting[]): string[] {
  const drivers = new Set<string>();
  const trusted = new Map<string, string>();
  for (const { scope, key, value } of entries) {
    const match = /^filter\.(.+)\.[^.]+$/s.exec(key);
    if (match?.[1] === undefined) continue;
    if (scope === 'system' || scope === 'global' || scope === 'command') trusted.set(key, value);
    else drivers.add(match[1]);
  }
  const settings: string[] = [];
  for (const { scope, key } of entries) {
    const driver = /^merge\.(.+)\.driver$/s.exec(key)?.[1];
    // one that fails is a conflict: what it would have merged counts as not merged
    if (driver !== undefined && scope !== 'system' && scope !== 'global')
      settings.push(`merge.${driver}.driver=false`);
  }
  for (const driver of drivers) {
    for (const part of ['clean', 'smudge', 'process', 'required']) {
      const key = `filter.${driver}.${part}`;
      settings.push(`${key}=${trusted.get(key) ?? (part === 'required' ? 'false' : '')}`);
    }
  }
  return settings;
}

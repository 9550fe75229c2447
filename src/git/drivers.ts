import { HeadjackError } from '../errors.ts';
import type { Setting } from './environment.ts';
import type { ScopedSetting } from './scoped-config.ts';

/** What `driverOverrides` has to know of the configuration: `git config --show-scope -z --get-regexp <this>`. */
export const DRIVERS = '^(filter|merge|diff)\\.';

const isTrusted = (scope: string): boolean => scope === 'system' || scope === 'global' || scope === 'command';

/**
 * Settings that replace the filters, merge drivers and diff drivers which only the repository's own configuration defines by none.
 * Those of the user's global and system configuration stay (Git LFS: without it a clean file looks changed).
 * @throws HeadjackError git_failed where a name cannot be said in a setting
 */
export function driverOverrides(entries: readonly ScopedSetting[]): Setting[] {
  const trusted = new Map<string, string>();
  const own = new Map<string, { kind: string; name: string }>();
  for (const { scope, key, value } of entries) {
    const [, kind = '', name] = /^(filter|merge|diff)\.(.*)\.[^.]+$/s.exec(key) ?? [];
    if (name === undefined) continue;
    if (isTrusted(scope)) trusted.set(key, value);
    else if (key.includes('\ufffd')) throw unspeakable(key);
    else own.set(`${kind}.${name}`, { kind, name });
  }
  return [...own.values()].flatMap(({ kind, name }) =>
    (drivers[kind] ?? []).map(([part, none]): Setting => {
      const key = `${kind}.${name}.${part}`;
      return [key, trusted.get(key) ?? none];
    }),
  );
}

/** What of each kind is a program, and what stands for none. */
const drivers: Readonly<Record<string, readonly (readonly [part: string, none: string])[]>> = {
  filter: [
    ['clean', ''],
    ['smudge', ''],
    ['process', ''],
    ['required', 'false'],
  ],
  // one that fails is a conflict: what it would have merged counts as not merged
  merge: [['driver', 'false']],
  diff: [
    ['command', 'false'],
    ['textconv', 'false'],
  ],
};

/** The environment of a program is UTF-8 here, so such a driver could not be switched off. */
function unspeakable(key: string): HeadjackError {
  return new HeadjackError(
    'git_failed',
    `the repository's configuration has a driver whose name is no UTF-8: ${key}`,
    {
      hint: 'git config --local --list shows it; remove it',
    },
  );
}

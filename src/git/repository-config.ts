import path from 'node:path';
import { driverOverrides } from './drivers.ts';
import type { Setting } from './environment.ts';
import { parseScopedConfig, type ScopedSetting } from './scoped-config.ts';

/** The part of a repository's configuration that hjk uses, from one call of git. */
export interface RepositoryConfig {
  /** What switches off the programs that it names. */
  readonly overrides: readonly Setting[];
  readonly userName: string | undefined;
  readonly userEmail: string | undefined;
  readonly remotes: readonly string[];
  /** Branches that have an upstream, or part of one. */
  readonly configuredBranches: ReadonlySet<string>;
  /** Where the branches that have both are pushed to and pulled from. */
  readonly upstreams: ReadonlyMap<string, { readonly remote: string; readonly merge: string }>;
  /** Absolute paths that a remote's url or pushurl names. */
  readonly localRemotes: readonly string[];
}

/** Arguments of the call whose output `parseRepositoryConfig` takes. */
export const configQuery = [
  'config',
  '--show-scope',
  '-z',
  '--get-regexp',
  '^((filter|merge|diff|remote|branch|url)\\.|user\\.(name|email)$)',
];

export function parseRepositoryConfig(output: string, root: string): RepositoryConfig {
  const entries = parseScopedConfig(output);
  const last = (key: string): string | undefined => entries.findLast(e => e.key === key)?.value;
  const remotes = new Set<string>();
  const local = new Set<string>();
  const rewrites = findRewrites(entries);
  for (const { key, value } of entries) {
    const match = /^remote\.(.+)\.(url|pushurl)$/s.exec(key);
    if (match?.[1] === undefined) continue;
    remotes.add(match[1]);
    for (const how of match[2] === 'url'
      ? (['insteadof', 'pushinsteadof'] as const)
      : (['insteadof'] as const)) {
      const place = localPath(rewrites[how](value), root);
      if (place !== undefined) local.add(place);
    }
  }
  return {
    overrides: driverOverrides(entries),
    userName: last('user.name'),
    userEmail: last('user.email'),
    remotes: [...remotes],
    configuredBranches: new Set(
      entries.flatMap(({ key }) => /^branch\.(.+)\.(?:remote|merge)$/s.exec(key)?.[1] ?? []),
    ),
    upstreams: findUpstreams(entries),
    localRemotes: [...local],
  };
}

function findUpstreams(entries: readonly ScopedSetting[]): Map<string, { remote: string; merge: string }> {
  const found = new Map<string, { remote: string; merge: string }>();
  for (const { key } of entries) {
    const branch = /^branch\.(.+)\.remote$/s.exec(key)?.[1];
    if (branch === undefined) continue;
    const value = (name: string): string | undefined =>
      entries.findLast(e => e.key === `branch.${branch}.${name}`)?.value;
    const [remote, merge] = [value('remote'), value('merge')];
    if (remote !== undefined && merge !== undefined) found.set(branch, { remote, merge });
  }
  return found;
}

type Rewrite = (url: string) => string;

/** `url.<base>.insteadOf` and `pushInsteadOf`: the longest beginning that fits is replaced. */
function findRewrites(entries: readonly ScopedSetting[]): Record<'insteadof' | 'pushinsteadof', Rewrite> {
  const rules = entries.flatMap(({ key, value }) => {
    const match = /^url\.(.*)\.(insteadof|pushinsteadof)$/s.exec(key);
    return match === null ? [] : [{ base: match[1] ?? '', how: match[2], start: value }];
  });
  const rewrite =
    (how: string): Rewrite =>
    url => {
      const [best] = rules
        .filter(rule => rule.how === how && url.startsWith(rule.start))
        .sort((a, b) => b.start.length - a.start.length);
      return best === undefined ? url : `${best.base}${url.slice(best.start.length)}`;
    };
  return { insteadof: rewrite('insteadof'), pushinsteadof: rewrite('pushinsteadof') };
}

/** The folder that a remote's URL names on this machine; undefined for `host:path`, `https://…` and their like. */
export function localPath(url: string, root: string): string | undefined {
  if (url.startsWith('file://')) return decoded(url.slice('file://'.length));
  if (url.includes('://') || url === '') return undefined;
  const colon = url.indexOf(':');
  const slash = url.indexOf('/');
  if (colon >= 0 && (slash < 0 || colon < slash)) return undefined; // scp-like
  return path.resolve(root, url);
}

/** Git leaves an escape that is none as it is. */
function decoded(text: string): string {
  return text.replace(/(%[0-9a-f]{2})+/gi, bytes =>
    Buffer.from(bytes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}

import path from 'node:path';
import { filterOverrides } from './environment.ts';
import { parseScopedConfig, type ScopedSetting } from './scoped-config.ts';

/** The part of a repository's configuration that hjk uses, from one call of git. */
export interface RepositoryConfig {
  readonly filters: readonly string[];
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
  '^(filter\\.|user\\.(name|email)$|remote\\.|branch\\.)',
];

export function parseRepositoryConfig(output: string, root: string): RepositoryConfig {
  const entries = parseScopedConfig(output);
  const last = (key: string): string | undefined => entries.findLast(e => e.key === key)?.value;
  const remotes = new Set<string>();
  const local = new Set<string>();
  for (const { key, value } of entries) {
    const match = /^remote\.(.+)\.(url|pushurl)$/s.exec(key);
    if (match?.[1] === undefined) continue;
    remotes.add(match[1]);
    const place = localPath(value, root);
    if (place !== undefined) local.add(place);
  }
  return {
    filters: filterOverrides(entries),
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

/** The folder that a remote's URL names on this machine; undefined for `host:path`, `https://…` and their like. */
function localPath(url: string, root: string): string | undefined {
  if (url.startsWith('file://')) return decodeURIComponent(url.slice('file://'.length));
  if (url.includes('://') || url === '') return undefined;
  const colon = url.indexOf(':');
  const slash = url.indexOf('/');
  if (colon >= 0 && (slash < 0 || colon < slash)) return undefined; // scp-like
  return path.resolve(root, url);
}

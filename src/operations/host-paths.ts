import fs from 'node:fs';
import path from 'node:path';
import { findHostPaths, type HostPath, type HostPaths } from '../container/host-paths.ts';
import { shortHash } from '../core/hash.ts';
import { isAtOrBelow } from '../core/place.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import { createFile, makePrivateFolder, realPathOf, replaceFile } from '../process/files.ts';
import { readIfThere } from '../process/regular-file.ts';
import { belongsTo } from './find-instance.ts';
import type { RepositoryGit, Services } from './services.ts';

/** What a repository may name outside of itself: as it was before its first container, and what the user allowed since. */
interface KnownPaths extends HostPaths {
  readonly schema: 1;
  /** Real paths that `--allow-path` named. */
  readonly allowed: readonly string[];
}

/** What of the host a container gets for its repository, and what it does not get. Kept in the instance's spec, and shown. */
export interface ChosenPaths extends HostPaths {
  /** Named by the repository only since a container of its ran. */
  readonly left_out: readonly string[];
}

interface At {
  readonly branch: string;
  readonly repository: Repository;
  readonly git: RepositoryGit;
}

/**
 * Chooses what is mounted of what the repository names outside of itself: what it named before any of its containers ran, and what
 * the user allowed. A program inside may have written the rest, and could ask for any folder of the host.
 */
export async function chooseHostPaths(services: Services, at: At): Promise<ChosenPaths> {
  const named = findHostPaths(at.repository.commonDir, await at.git.localRemotes());
  const known = await requireKnown(services, at, named);
  const mayBe = (kind: keyof HostPaths, { path: place, real }: HostPath): boolean =>
    known.allowed.some(folder => formsOf(folder).includes(real)) ||
    known[kind].some(one => one.path === place && one.real === real);
  const alternates = named.alternates.filter(one => mayBe('alternates', one));
  const remotes = named.remotes.filter(one => mayBe('remotes', one));
  const left_out = [...named.alternates, ...named.remotes]
    .filter(one => !alternates.includes(one) && !remotes.includes(one))
    .map(one => one.path);
  for (const place of left_out)
    services.progress.note(
      `Warning: ${place} is not mounted: a container of the repository may have named it; if you did: hjk recreate ${at.branch} --allow-path ${place}`,
    );
  const mounted = [...alternates, ...remotes].map(one => one.path);
  if (mounted.length > 0) services.progress.note(`mounted for git: ${[...new Set(mounted)].join(', ')}`);
  return { alternates, remotes, left_out };
}

/** What of a repository a folder may stand for: it, its git directory, its objects. */
function formsOf(folder: string): string[] {
  return [folder, `${folder}/.git`, `${folder}/objects`, `${folder}/.git/objects`];
}

/** Whether a container already has what `--allow-path` names. */
export function hasPath(chosen: ChosenPaths | undefined, place: string): boolean {
  const forms = formsOf(realPathOf(place));
  return [...(chosen?.alternates ?? []), ...(chosen?.remotes ?? [])].some(one => forms.includes(one.real));
}

/**
 * Lets containers of the repository that are made from now on have folders which it names.
 * @throws HeadjackError usage where one does not exist
 */
export async function allowPaths(services: Services, at: At, places: readonly string[]): Promise<void> {
  if (places.length === 0) return;
  const real = places.map(place => {
    const full = path.resolve(services.cwd, place);
    if (fs.existsSync(full)) return realPathOf(full);
    throw new HeadjackError('usage', `--allow-path: ${full} does not exist`, { hint: 'check the path' });
  });
  const named = findHostPaths(at.repository.commonDir, await at.git.localRemotes());
  const known = await requireKnown(services, at, named);
  const allowed = [...new Set([...known.allowed, ...real])];
  replaceFile(placeOf(services, at.repository), format({ ...known, allowed }));
}

/** What was recorded; before a repository's first container that is all it names. Of many runs at once the first one records. */
async function requireKnown(services: Services, { repository }: At, named: HostPaths): Promise<KnownPaths> {
  const place = placeOf(services, repository);
  const recorded = load(place);
  if (recorded !== undefined) return recorded;
  const none = { alternates: [], remotes: [] };
  const first: KnownPaths = {
    schema: 1,
    ...((await hadContainer(services, repository)) ? none : named),
    allowed: [],
  };
  makePrivateFolder(path.dirname(place));
  // what is there and cannot be read counts as nothing known
  if (fs.existsSync(place)) replaceFile(place, format({ schema: 1, ...none, allowed: [] }));
  else createFile(place, format(first), 0o600);
  return load(place) ?? first;
}

/** Whether a container of the repository is or was there: what it names now may be written inside. */
async function hadContainer(services: Services, repository: Repository): Promise<boolean> {
  const entries = await services.catalog.read(catalog =>
    catalog.entries.filter(entry => entry.container_id !== ''),
  );
  if (entries.some(entry => belongsTo(entry, repository))) return true;
  // of another state root
  return (await services.lister.list()).some(container =>
    container.sources.some(source => isAtOrBelow(source, repository.commonDir)),
  );
}

function placeOf(services: Services, repository: Repository): string {
  return path.join(
    services.paths.state_root,
    'repositories',
    shortHash(repository.commonDir, 12),
    'host-paths.json',
  );
}

function load(file: string): KnownPaths | undefined {
  try {
    const found = JSON.parse(readIfThere(file) ?? 'null') as Partial<KnownPaths> | null;
    return found?.schema === 1 && [found.alternates, found.remotes, found.allowed].every(Array.isArray)
      ? (found as KnownPaths)
      : undefined;
  } catch {
    return undefined;
  }
}

function format(known: KnownPaths): string {
  return `${JSON.stringify(known, null, 2)}\n`;
}

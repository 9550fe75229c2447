import type { Catalog, InstanceEntry, SessionEntry } from '../catalog/types.ts';
import { HeadjackError } from '../errors.ts';
import { findNearest } from '../core/nearest.ts';
import { repositoryId, type Repository } from '../core/repository.ts';
import { commonDirOf } from '../git/discover.ts';
import type { Services } from './services.ts';

/** @throws HeadjackError not_a_repository; `hint` is what helps besides going to one */
export function requireRepository(
  services: Services,
  hint = 'cd into a git repository, or name one with -C <dir>',
): Repository {
  if (services.repository !== undefined) return services.repository;
  const source = services.workspaceSource === undefined ? '' : `${services.workspaceSource}: `;
  throw new HeadjackError('not_a_repository', `${source}${services.cwd} is in no git repository`, { hint });
}

/**
 * Whether an entry is of this repository: by its repo_id, or because its `repo` has the same common git dir (the original makes
 * its repo_id otherwise).
 */
export function belongsTo(entry: InstanceEntry, repository: Repository): boolean {
  const common = commonDirOf(entry.repo);
  return common === undefined ? entry.repo_id === repositoryId(repository) : common === repository.commonDir;
}

export function findInstance(
  catalog: Readonly<Catalog>,
  repository: Repository,
  branch: string,
): InstanceEntry | undefined {
  return catalog.entries.find(entry => entry.branch === branch && belongsTo(entry, repository));
}

/** @throws HeadjackError instance_not_found, with the nearest branch that has an instance */
export function requireInstance(
  catalog: Readonly<Catalog>,
  repository: Repository,
  branch: string,
): InstanceEntry {
  const found = findInstance(catalog, repository, branch);
  if (found !== undefined) return found;
  const branches = catalog.entries.filter(entry => belongsTo(entry, repository)).map(entry => entry.branch);
  throw instanceNotFound(branch, findNearest(branch, branches));
}

export function instanceNotFound(branch: string, nearest?: string): HeadjackError {
  return new HeadjackError('instance_not_found', `no instance found for branch "${branch}"`, {
    hint:
      nearest === undefined
        ? `run 'hjk run ${branch}' to create one`
        : `did you mean "${nearest}"? Or run 'hjk run ${branch}' to create one`,
  });
}

/** The entry in a draft that a commit is about. @throws HeadjackError instance_not_found where it is gone */
export function requireEntry(
  catalog: Catalog,
  instance: { readonly id: string; readonly branch: string },
): InstanceEntry {
  const entry = catalog.entries.find(e => e.id === instance.id);
  if (entry === undefined) throw instanceNotFound(instance.branch);
  return entry;
}

/** The session that a name or id means; of several of one name the newest. */
export function findSession(entry: InstanceEntry, name: string): SessionEntry | undefined {
  return entry.sessions.findLast(s => s.name === name) ?? entry.sessions.find(s => s.id === name);
}

export function sessionNotFound(entry: InstanceEntry, name: string): HeadjackError {
  const nearest = findNearest(
    name,
    entry.sessions.map(s => s.name),
  );
  return new HeadjackError(
    'session_not_found',
    `session "${name}" not found in instance for branch "${entry.branch}"`,
    {
      hint:
        nearest === undefined
          ? `hjk ps ${entry.branch}`
          : `did you mean "${nearest}"? See: hjk ps ${entry.branch}`,
    },
  );
}

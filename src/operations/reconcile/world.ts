import fs from 'node:fs';
import path from 'node:path';
import type { InstanceEntry } from '../../catalog/types.ts';
import type { ContainerSummary } from '../../container/port.ts';
import { INSTANCE_ID } from '../../core/identifiers.ts';
import type { Repository } from '../../core/repository.ts';
import { HeadjackError } from '../../errors.ts';
import { discoverRepository } from '../../git/discover.ts';
import type { ListedWorktree } from '../../git/metadata.ts';
import { listFolder } from '../../process/files.ts';
import type { Services } from '../services.ts';
import { placesOf } from '../session-states.ts';

export interface KnownWorktree extends ListedWorktree {
  readonly repository: Repository;
}

/** Everything that a state root has, looked at from all sides. Nothing of it is trusted by itself. */
export interface World {
  readonly entries: readonly InstanceEntry[];
  /** All of the engine, other state roots' too; undefined where it does not answer. */
  readonly containers: readonly ContainerSummary[] | undefined;
  readonly engineError: HeadjackError | undefined;
  /** By common git directory: those of the entries, of the current directory and of what lies in the worktrees folder. */
  readonly repositories: ReadonlyMap<string, Repository>;
  readonly worktrees: readonly KnownWorktree[];
  /** `<worktrees>/<repository>/<folder>`, whatever they are. */
  readonly folders: readonly string[];
  /** Ids that have a folder of state, of logs, a tmux socket. */
  readonly states: ReadonlySet<string>;
  readonly logs: ReadonlySet<string>;
  readonly terminals: ReadonlySet<string>;
}

/** Looks at everything once. @throws HeadjackError where the catalog cannot be read */
export async function observe(services: Services): Promise<World> {
  const listing = services.lister.list().then(
    containers => ({ containers, engineError: undefined }),
    (error: unknown) => {
      if (error instanceof HeadjackError) return { containers: undefined, engineError: error };
      throw error;
    },
  );
  const entries = await services.catalog.read(catalog => structuredClone(catalog.entries));
  const root = services.paths.worktrees;
  const folders = foldersIn(root).flatMap(folder =>
    fs.existsSync(path.join(folder, '.git')) ? [folder] : foldersIn(folder),
  );
  const repositories = new Map<string, Repository>();
  for (const place of [...entries.map(e => e.repo), ...folders]) {
    const repository = discoverRepository(place);
    if (repository !== undefined) repositories.set(repository.commonDir, repository);
  }
  if (services.repository !== undefined) repositories.set(services.repository.commonDir, services.repository);
  const keeper = await services.keeper();
  const worktrees = [...repositories.values()].flatMap(repository =>
    keeper.listWorktrees(repository.commonDir).map(worktree => ({ ...worktree, repository })),
  );
  const places = placesOf(services);
  const ids = (folder: string): Set<string> =>
    new Set(listFolder(folder).filter(name => INSTANCE_ID.test(name)));
  return {
    entries,
    ...(await listing),
    repositories,
    worktrees,
    folders,
    states: ids(path.join(places.stateRoot, 'instances')),
    logs: ids(places.logs),
    terminals: new Set(services.host.instances()),
  };
}

function foldersIn(folder: string): string[] {
  return listFolder(folder)
    .map(name => path.join(folder, name))
    .filter(place => fs.lstatSync(place, { throwIfNoEntry: false })?.isDirectory() === true);
}

/** Whether a path lies below a folder. */
export function isBelow(file: string, folder: string): boolean {
  return file.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

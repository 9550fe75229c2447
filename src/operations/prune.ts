import { HeadjackError, messageOf } from '../errors.ts';
import { discoverRepository } from '../git/discover.ts';
import type { StoredSnapshot } from '../git/snapshot-list.ts';
import { dropEmpty } from './drop-empty.ts';
import { judgeEntry, lookAround, whyInUse, type Candidate, type PruneOptions } from './prunable.ts';
import { removeInstance } from './remove.ts';
import type { Services } from './services.ts';

export interface Pruned extends Candidate {
  readonly error: string | undefined;
}

/** Deletes what still can go: each is judged once more right before, and `rm` looks at it again with everything stopped. */
export async function prune(
  services: Services,
  candidates: readonly Candidate[],
  options: PruneOptions,
): Promise<Pruned[]> {
  const going = candidates.filter(c => c.kept === undefined);
  const dropped = await dropEmpty(
    services,
    going.filter(c => c.empty === true).map(c => c.id),
  );
  const done: Pruned[] = going.filter(c => dropped.has(c.id)).map(c => ({ ...c, error: undefined }));
  for (const candidate of going.filter(c => !dropped.has(c.id))) {
    services.progress.phase(`pruning ${candidate.id}`);
    try {
      const kept =
        candidate.kind === 'instance'
          ? await pruneInstance(services, candidate, options)
          : await pruneSnapshot(services, candidate, options);
      done.push({ ...candidate, kept, error: undefined });
    } catch (error) {
      if (error instanceof HeadjackError && [6, 7, 130, 143].includes(error.exitCode)) throw error;
      done.push({ ...candidate, error: messageOf(error) });
    }
  }
  services.progress.done();
  return done;
}

async function pruneInstance(
  services: Services,
  candidate: Candidate,
  options: PruneOptions,
): Promise<string | undefined> {
  const entry = await services.catalog.read(catalog =>
    structuredClone(catalog.entries.find(e => e.id === candidate.id)),
  );
  if (entry === undefined) return undefined; // gone already
  const now = await judgeEntry(services, entry, options, await lookAround(services));
  if (now === undefined) return 'it was used meanwhile';
  if (now.kept !== undefined) return now.kept;
  const repository = discoverRepository(entry.repo);
  if (repository === undefined) return 'its repository is gone';
  await removeInstance(
    { ...services, repository },
    {
      branch: entry.branch,
      force: false,
      yes: true,
      deleteBranch: false,
      includeIgnored: options.includeIgnored === true,
      // asked once more when nobody else can begin: a session may have been opened since
      stillWanted: async claimed => {
        const idle = structuredClone(claimed);
        delete idle.operation;
        const why = await whyInUse(services, idle, await services.lister.list());
        if (why !== undefined)
          throw new HeadjackError('busy', `branch "${entry.branch}" came into use: ${why}`, {
            hint: 'nothing was removed',
          });
      },
      confirm: () => Promise.resolve(true),
    },
  );
  return undefined;
}

async function pruneSnapshot(
  services: Services,
  candidate: Candidate,
  options: PruneOptions,
): Promise<string | undefined> {
  const repository = discoverRepository(candidate.repository);
  if (repository === undefined) return 'its repository is gone';
  const keeper = await services.keeper();
  const found: StoredSnapshot | undefined = (await keeper.listSnapshots(repository.commonDir)).find(
    s => s.id === candidate.id,
  );
  if (found === undefined) return undefined;
  if (services.now() - found.storedAt < options.minAgeMs) return 'it is newer than it was';
  return (await keeper.dropSnapshot(repository.commonDir, found)) ? undefined : 'it changed meanwhile';
}

import fs from 'node:fs';
import type { Catalog, InstanceEntry } from '../catalog/types.ts';
import { HeadjackError } from '../errors.ts';
import { commonDirOf } from '../git/discover.ts';
import { claimOrRefuse, commitClaimed, type Claim } from './operation.ts';
import type { Services } from './services.ts';

/** An instance whose repository is gone, by its id from anywhere, or by its branch where no repository is at hand. */
export function findOfGoneRepository(
  catalog: Readonly<Catalog>,
  word: string,
  options: { readonly byBranch: boolean },
): InstanceEntry | undefined {
  const gone = catalog.entries.filter(entry => commonDirOf(entry.repo) === undefined);
  const byId = gone.find(entry => entry.id === word);
  const byBranch = options.byBranch ? gone.filter(entry => entry.branch === word) : [];
  if (byId !== undefined || byBranch.length <= 1) return byId ?? byBranch[0];
  throw new HeadjackError(
    'usage',
    `several repositories that are gone have an instance of branch "${word}"`,
    {
      hint: `name it by its id: ${byBranch.map(entry => `hjk rm ${entry.id}`).join(', ')}`,
      details: byBranch.map(entry => `${entry.id} of ${entry.repo}`),
    },
  );
}

/**
 * Claims the removal of one: without its repository nothing tells what of the worktree is work, and nothing can store it. So a folder
 * that is there is only ever left, with --force, and never deleted.
 * @throws HeadjackError unsafe
 */
export async function claimGone(
  services: Services,
  entry: InstanceEntry,
  options: { readonly force: boolean },
): Promise<Claim> {
  if (!options.force && fs.existsSync(entry.worktree))
    throw new HeadjackError(
      'unsafe',
      `removing branch "${entry.branch}" could lose work in ${entry.worktree}`,
      {
        details: [`could not tell: the repository ${entry.repo} is gone`],
        hint: `bring it back to its place; or remove the rest and keep the folder: hjk rm ${entry.id} --force`,
      },
    );
  const held = await claimOrRefuse(services, entry, 'rm');
  const deleting = { snapshot: '', unjudged: true };
  await commitClaimed(services, held, found => {
    if (found.operation !== undefined) found.operation.deleting ??= deleting;
  });
  return { ...held, operation: { ...held.operation, deleting: held.operation.deleting ?? deleting } };
}

import type { Catalog, InstanceEntry } from '../catalog/types.ts';
import { commonDirOf } from '../git/discover.ts';
import { commitClaimed, isDead, type Claim } from './operation.ts';
import type { Services } from './services.ts';

/**
 * Branches of the entry's repository that other removals are about to delete. One that died before it began to delete goes
 * nowhere: whoever takes it over looks anew, and comes after us.
 */
export function goingBranches(catalog: Readonly<Catalog>, entry: InstanceEntry): string[] {
  const others = catalog.entries.filter(({ id, operation }) => {
    if (id === entry.id || operation === undefined) return false;
    return (
      operation.deleting?.branch_tip !== undefined ||
      (operation.deleting_branch === true && !isDead(operation))
    );
  });
  if (others.length === 0) return [];
  const repository = commonDirOf(entry.repo);
  return others.filter(other => commonDirOf(other.repo) === repository).map(other => other.branch);
}

/**
 * Lines up for the deletion of the branch and gives those that came before: of two removals the later one does not count on the
 * other's branch, so that never both do. The order is that of the catalog's updates.
 */
export function lineUp(services: Services, held: Claim): Promise<string[]> {
  return commitClaimed(services, held, (found, draft) => {
    if (found.operation !== undefined) found.operation.deleting_branch = true;
    return goingBranches(draft, found);
  });
}

import type { Repository } from '../core/repository.ts';
import { HeadjackError, messageOf } from '../errors.ts';
import type { Look } from '../git/look.ts';
import { holdsObjects } from '../git-directory/own-objects.ts';
import { gitDirectoryPlaces } from '../git-directory/places.ts';
import { instanceFiles } from '../session/files.ts';
import { dropFresh } from './bring-up.ts';
import { deleteUntouched } from './delete-untouched.ts';
import type { Made } from './ensure-worktree.ts';
import { dropEntry, release, type Claim } from './operation.ts';
import { removeOwnFolder } from './remove-traces.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';

/**
 * Removes what a failed `run` made, the entry last, and gives the failure to report. Where somebody wrote to the worktree or
 * committed meanwhile, where it fails, or where the instance is older, it stays with `error`.
 */
export async function undoRun(
  services: Services,
  held: Claim,
  at: { repository: Repository; made: Made; isNew: boolean },
  failure: unknown,
): Promise<unknown> {
  const { entry } = held;
  const keep = (): Promise<unknown> =>
    release(services, held, found => {
      found.status = entry.status === 'stopped' && found.container_id === '' ? 'stopped' : 'error';
    }).catch(() => undefined);
  if (!at.isNew) {
    // a restored instance had no container, and has none again: what it is made of is still to be decided
    if (entry.container_id === '') await dropFresh(services, held);
    await keep();
    return failure;
  }
  try {
    const containers = await services.lister.list().catch(() => []);
    const { isOurs } = await import('../container/labels.ts');
    for (const container of containers.filter(c => isOurs(c.labels, entry.id, services.owner)))
      await (await services.runtime()).remove(container.id);
    const { folder } = instanceFiles(placesOf(services), entry.id);
    const { directory } = gitDirectoryPlaces(folder);
    if (holdsObjects(directory))
      throw new HeadjackError('unsafe', `${directory} holds work`, { details: [`objects in ${directory}`] });
    if (at.made.worktree) await undoWorktree(services, held, at);
    removeOwnFolder(folder);
    await dropEntry(services, held);
    return failure;
  } catch (error) {
    await keep();
    return error instanceof HeadjackError && error.code === 'unsafe' ? kept(failure, held, error) : failure;
  }
}

async function undoWorktree(
  services: Services,
  held: Claim,
  { repository, made }: { repository: Repository; made: Made },
): Promise<void> {
  const { branch } = held.entry;
  await deleteUntouched(services, held, repository, look => isUntouched(look, made, branch));
  if (made.branchTip === undefined) return;
  const keeper = await services.keeper(held.operation.id);
  await keeper.deleteBranch(
    repository.commonDir,
    { name: branch, tip: made.branchTip },
    { keepConfig: true },
  );
}

/** Whether the worktree is as `git worktree add` left it. */
function isUntouched(look: Look, made: Made, branch: string): boolean {
  if (look.reasons.length > 0 || look.unknown || look.changes?.ignored.size !== 0) return false;
  return look.head === made.head && look.branchTip === made.head && look.headRef === `refs/heads/${branch}`;
}

/** The failure, and that its instance is still there. */
function kept(failure: unknown, { entry }: Claim, why: HeadjackError): HeadjackError {
  const known = failure instanceof HeadjackError ? failure : undefined;
  const found = Array.isArray(why.details) ? why.details.map(String) : [];
  return new HeadjackError(
    known?.code ?? 'unexpected',
    `${messageOf(failure)}; the instance stays, as somebody wrote to ${entry.worktree} meanwhile`,
    {
      details: [...(Array.isArray(known?.details) ? known.details.map(String) : []), ...found],
      hint: `hjk run ${entry.branch} tries again; hjk rm ${entry.branch} removes it${known?.hint === undefined ? '' : `. ${known.hint}`}`,
      cause: failure,
    },
  );
}

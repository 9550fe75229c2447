import fs from 'node:fs';
import type { ContainerSummary } from '../container/port.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import { deleteFolder } from '../git/delete-folder.ts';
import { instanceFiles } from '../session/files.ts';
import { forgetContainer } from './container-work.ts';
import { dropEntry, type Claim } from './operation.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';

/**
 * The last steps of a removal: branch, files of the instance, logs, entry. Each may be done already. Gives whether the branch is
 * gone: one that moved meanwhile, or that by now holds commits which nothing else has, is kept.
 */
export async function removeTraces(
  services: Services,
  held: Claim,
  repository: Repository | undefined,
  branchTip: string | undefined,
): Promise<boolean> {
  const { entry } = held;
  const others = repository === undefined || isMounted(await services.lister.list(), repository);
  const keeper = await services.keeper(held.operation.id);
  let branchGone = false;
  if (branchTip !== undefined && repository !== undefined) {
    const branch = { name: entry.branch, tip: branchTip };
    const done = await keeper.deleteBranch(repository.commonDir, branch, { keepConfig: others });
    const git = await services.git(repository, held.operation.id);
    branchGone = done === 'deleted' || (await git.findCommit(`refs/heads/${entry.branch}`)) === undefined;
    if (!branchGone)
      services.progress.note(
        done === 'moved'
          ? `branch "${entry.branch}" has moved on meanwhile and is kept`
          : `branch "${entry.branch}" is kept: nothing else holds its commits by now, or links lie in its way`,
      );
  }
  if (!others) keeper.unguard(repository.commonDir);
  if (repository !== undefined) await forgetContainer(services, entry, repository);
  removeFiles(services, entry.id);
  await dropEntry(services, held);
  return branchGone;
}

/** Whether any container has the repository, of another state root too: what it has mounted must stay as it is. */
export function isMounted(containers: readonly ContainerSummary[], repository: Repository): boolean {
  return containers.some(container => container.sources.includes(repository.commonDir));
}

/** State and logs of an instance. */
export function removeFiles(services: Services, id: string): void {
  const files = instanceFiles(placesOf(services), id);
  for (const folder of [files.folder, files.logs]) removeOwnFolder(folder);
}

/**
 * Removes a folder of ours, with what programs in a container made of its git directory. A link is removed itself, never followed; no
 * container has the folder any more.
 */
export function removeOwnFolder(folder: string): void {
  const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (stat.isDirectory()) {
    deleteFolder(folder);
    return;
  }
  try {
    fs.unlinkSync(folder);
  } catch (error) {
    throw new HeadjackError('command_failed', `${folder} cannot be removed`, {
      hint: `remove it by hand: rm ${folder}`,
      cause: error,
    });
  }
}

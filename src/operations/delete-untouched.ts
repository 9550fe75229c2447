import fs from 'node:fs';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import type { Look } from '../git/look.ts';
import type { Claim } from './operation.ts';
import { requireNotMounted } from './require-free.ts';
import type { Services } from './services.ts';
import { subjectOf } from './subject.ts';
import { printable } from '../core/printable.ts';

/**
 * Deletes a worktree that holds nothing but what hjk itself put there: renamed aside, looked at, ignored files too, and deleted, or
 * put back where somebody wrote to it meanwhile.
 * @param mayGo says so of what is found, or throws; `at` is where the folder is by then
 * @throws HeadjackError unsafe
 */
export async function deleteUntouched(
  services: Services,
  held: Claim,
  repository: Repository,
  mayGo: (look: Look, at: string) => boolean | Promise<boolean>,
): Promise<void> {
  const { entry } = held;
  const keeper = await services.keeper(held.operation.id);
  const metadata = keeper.findMetadata(repository.commonDir, entry.worktree);
  if (metadata === undefined) return; // what is at that path is not ours to delete
  requireNotMounted(entry);
  const aside = keeper.asideOf(entry.worktree, entry.id);
  const trash = keeper.trashOf(entry.worktree, entry.id);
  if (!fs.existsSync(aside) && fs.existsSync(entry.worktree)) fs.renameSync(entry.worktree, aside);
  if (fs.existsSync(aside)) {
    let look: Look | undefined;
    let goes = false;
    try {
      look = await keeper.look(subjectOf(entry, repository, { includeIgnored: true }), aside);
      goes = await mayGo(look, aside);
    } finally {
      if (!goes) fs.renameSync(aside, entry.worktree);
    }
    if (!goes) throw written(entry.worktree, look);
    // from here on nothing looks into it again: half of a deleted tree cannot be judged
    fs.renameSync(aside, trash);
  }
  if (fs.existsSync(trash)) keeper.deleteFolder(trash);
  keeper.unlock(metadata);
  await (await services.git(repository, held.operation.id)).forgetWorktree(entry.worktree);
}

function written(worktree: string, look: Look): HeadjackError {
  const ignored = look.ignoredStored.slice(0, 5);
  const names = ignored.map(file => printable(Buffer.from(file, 'latin1').toString('utf8')));
  return new HeadjackError('unsafe', `${worktree} holds what hjk did not put there`, {
    details: [...look.reasons, ...(names.length > 0 ? [`ignored: ${names.join(', ')}`] : [])],
  });
}

import fs from 'node:fs';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import type { Look, WorktreeSubject } from '../git/look.ts';
import { findContainer } from './find-container.ts';
import { instanceFiles } from '../session/files.ts';
import { loadSpec } from './instance-spec.ts';
import { commitClaimed, type Claim } from './operation.ts';
import { requireNotMounted, requireUnused } from './require-free.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';
import { stopContainer } from './stop.ts';
import { subjectOf } from './subject.ts';

/**
 * Ends what runs, removes the container and deletes the worktree: renamed aside, compared once more, renamed again, deleted. Gives
 * the snapshot that holds its work, '' for none.
 * @param refuse throws where work appeared at the last moment; undefined where the removal is only to be finished
 */
export async function deleteWorktree(
  services: Services,
  held: Claim,
  repository: Repository | undefined,
  refuse: ((reasons: readonly string[]) => void) | undefined,
): Promise<string> {
  const { entry, operation } = held;
  let snapshot = operation.deleting?.snapshot ?? '';
  await stopContainer(services, entry);
  const container = findContainer(await services.lister.list(), entry, services);
  if (container !== undefined) await (await services.runtime()).remove(container.id);
  const { devcontainer } = loadSpec(instanceFiles(placesOf(services), entry.id).spec) ?? {};
  if (devcontainer !== undefined)
    await (await import('./devcontainer/clean.ts')).removeDevcontainer(services, entry, devcontainer);
  if (repository === undefined) return snapshot;
  const keeper = await services.keeper(operation.id);
  const metadata = keeper.findMetadata(repository.commonDir, entry.worktree);
  if (metadata === undefined) return snapshot; // git knows no such worktree: what is at that path is not ours to delete
  const shared = await services.catalog.read(c =>
    c.entries.some(e => e.id !== entry.id && keeper.samePlace(e.worktree, entry.worktree)),
  );
  if (shared) return snapshot; // the original lets branches share a folder: the last one takes it along
  const git = await services.git(repository, operation.id);
  const subject = subjectOf(entry, repository, {
    deleteBranch: operation.deleting?.branch_tip !== undefined,
    includeIgnored: operation.deleting?.include_ignored ?? false,
  });
  const aside = keeper.asideOf(entry.worktree, entry.id);
  const trash = keeper.trashOf(entry.worktree, entry.id);
  services.progress.phase('deleting the worktree');
  if (!fs.existsSync(aside) && !fs.existsSync(trash) && fs.existsSync(entry.worktree)) {
    const doubt = keeper.findDoubt(subject);
    if (doubt !== undefined) refuse?.([`could not tell: ${doubt}`]);
    if (doubt !== undefined && fs.existsSync(`${entry.worktree}/.git`)) {
      keeper.unlock(metadata); // it is left to the user
      return snapshot;
    }
    requireNotMounted(entry);
    await requireUnused(services, entry);
    fs.renameSync(entry.worktree, aside);
  }
  if (fs.existsSync(aside)) {
    const look = await lookAside(keeper, subject, aside);
    if (look.changes === undefined && operation.deleting?.unjudged !== true)
      throw new HeadjackError('git_failed', `${aside} could not be looked at: ${look.reasons[0] ?? ''}`, {
        hint: `nothing of it was deleted; see to the reason, then: hjk rm ${entry.branch}`,
      });
    if (look.changes === undefined) {
      // it cannot be read, so it is not deleted: it stays as a worktree of the user's own
      fs.renameSync(aside, entry.worktree);
      keeper.unlock(metadata);
      services.progress.note(`${entry.worktree} could not be read and is left as it is`);
      return snapshot;
    }
    if (await keeper.hasUnsaved(look, snapshot)) {
      try {
        refuse?.(look.reasons);
      } catch (error) {
        fs.renameSync(aside, entry.worktree);
        await commitClaimed(services, held, found => {
          delete found.operation?.deleting;
        });
        throw error;
      }
      snapshot = (await keeper.store(subject, look, snapshot)).commit;
    }
    // from here on nothing looks into it again: half of a deleted tree cannot be judged
    fs.renameSync(aside, trash);
  }
  if (fs.existsSync(trash)) keeper.deleteFolder(trash);
  try {
    fs.rmdirSync(`${metadata.folder}/modules`); // made empty for a mask; git refuses metadata that has it
  } catch {
    // not there, or not empty: git says what it thinks of it
  }
  keeper.unlock(metadata);
  await git.forgetWorktree(entry.worktree);
  return snapshot;
}

/** A tree whose `.git` is gone is looked at by the metadata alone: a removal that was killed may have deleted it. */
async function lookAside(
  keeper: Awaited<ReturnType<Services['keeper']>>,
  subject: WorktreeSubject,
  aside: string,
): Promise<Look> {
  const dotGit = `${aside}/.git`;
  if (!fs.existsSync(dotGit)) {
    const metadata = keeper.findMetadata(subject.commonDir, subject.worktree);
    if (metadata !== undefined) fs.writeFileSync(dotGit, `gitdir: ${metadata.folder}\n`, { flag: 'wx' });
  }
  return keeper.look(subject, aside);
}

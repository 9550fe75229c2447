import fs from 'node:fs';
import { makeGitDirectory } from '../git-directory/make.ts';
import { gitDirectoryPlaces } from '../git-directory/places.ts';
import { instanceFiles } from '../session/files.ts';
import type { InstanceSpec } from './instance-spec.ts';
import type { ContainerOrder } from './make-container.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';

/** What a new container is to have: a spec says nothing where it has the repository's git directory. */
export function gitKind({ settings }: Services): Pick<InstanceSpec, 'git'> {
  return settings.gitDirectory === 'own' ? { git: 'own' } : {};
}

/** Whether its container would get a git directory of its own if it was made now, and has the repository's. */
export function isOutdated(services: Services, spec: InstanceSpec): boolean {
  return spec.git !== 'own' && gitKind(services).git === 'own';
}

/**
 * Makes the container's own git directory, unless there is one: it may hold what is nowhere else. One that was made for a worktree
 * which had to be made again never had a program in it.
 */
export async function ensureGitDirectory(
  services: Services,
  order: Pick<ContainerOrder, 'entry' | 'repository' | 'metadata'>,
  worktree: { readonly isNew: boolean },
): Promise<void> {
  const { entry, repository, metadata } = order;
  const { folder } = instanceFiles(placesOf(services), entry.id);
  if (!worktree.isNew && fs.existsSync(gitDirectoryPlaces(folder).directory)) return;
  const { copyHooks } = services.settings;
  const { unusedHooks } = await makeGitDirectory(
    { repository, metadata, branch: entry.branch, instanceFolder: folder, copyHooks },
    services.env,
  );
  if (unusedHooks.length > 0)
    services.progress.note(
      `hooks of the repository do not act in the container: ${unusedHooks.join(', ')}; to have them there: hjk config git.copy_hooks true`,
    );
}

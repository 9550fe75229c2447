import type { InstanceEntry } from '../catalog/types.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError, messageOf } from '../errors.ts';
import { bridgeState, bridgeSubject, mirrorBeforeStop } from './bridge.ts';
import { findContainer } from './find-container.ts';
import type { Services } from './services.ts';

/**
 * Why removing an instance would lose what only its container's git has: stashes, other branches, what reflogs alone hold. Asked
 * of the container where it runs, else what was kept when it stopped.
 */
export async function findContainerWork(services: Services, entry: InstanceEntry): Promise<string[]> {
  const container = findContainer(await services.lister.list(), entry, services);
  const subject = await bridgeSubject(services, { entry, container: container?.id ?? '' });
  if (subject === undefined) return [];
  if (container?.state === 'running') await mirrorBeforeStop(services, { entry, container: container.id });
  const { findKeptWork } = await import('../git-directory/bridge/mirror.ts');
  const found = await findKeptWork(subject.git, entry.id);
  const unkept = bridgeState(services, entry)?.unkept ?? [];
  return [
    ...found.map(
      ({ label, object }) =>
        `${describe(label, entry.branch)} (${object.slice(0, 10)}) is in the container's git directory only`,
    ),
    ...unkept.map(
      label =>
        `${describe(label, entry.branch)} is in the container's git directory only, and cannot be copied`,
    ),
  ];
}

function describe(label: string, branch: string): string {
  const shown = Buffer.from(label, 'latin1').toString('utf8');
  if (shown === branch) return `what was committed inside on "${branch}"`;
  if (shown.startsWith('module/'))
    return `what submodule "${shown.slice('module/'.length)}" has and none of its remotes`;
  if (shown.startsWith('heads/')) return `branch "${shown.slice('heads/'.length)}"`;
  if (shown.startsWith('stash/')) return `stash@{${shown.slice('stash/'.length)}}`;
  if (shown.startsWith('reflog/')) return 'a commit that only a reflog holds';
  if (shown === 'what it holds' || shown === 'index') return shown === 'index' ? 'its index' : shown;
  return shown === 'head' ? 'a detached HEAD' : `what is in progress (${shown})`;
}

/**
 * Starts a container that was stopped by somebody else after its git directory changed, so that what is in there can be asked for.
 * It is stopped again by whoever called. Only under an operation.
 */
export async function wakeForLook(services: Services, entry: InstanceEntry): Promise<void> {
  const container = findContainer(await services.lister.list(), entry, services);
  if (container?.state !== 'stopped' || !(await hasUnseenWork(services, entry))) return;
  services.progress.phase('looking into the container');
  await (await services.runtime()).start(container.id);
}

/**
 * What could not be looked at is not deleted, whatever was said.
 * @throws HeadjackError unsafe
 */
export async function requireSeen(services: Services, entry: InstanceEntry): Promise<void> {
  const state = await lookAtMirror(services, entry);
  if (state === undefined) return;
  const { directory, unkept } = state;
  if (unkept.length > 0)
    throw new HeadjackError(
      'unsafe',
      `the git directory of the container of branch "${entry.branch}" holds what cannot be stored`,
      {
        details: unkept.map(label => `${describe(label, entry.branch)} cannot be copied`),
        hint: `push it from inside; or delete it for good: rm -r ${directory}; then try again`,
      },
    );
  if (!state.unseen) return;
  throw new HeadjackError(
    'unsafe',
    `what the git directory of the container of branch "${entry.branch}" holds cannot be told`,
    {
      details: ['it has changed since it was last looked at, and the container does not run'],
      hint: `hjk start ${entry.branch}, then try again`,
    },
  );
}

async function hasUnseenWork(services: Services, entry: InstanceEntry): Promise<boolean> {
  return (await lookAtMirror(services, entry))?.unseen === true;
}

/** What is known of a container's git directory without asking it; undefined where there is none. */
async function lookAtMirror(
  services: Services,
  entry: InstanceEntry,
): Promise<{ directory: string; unseen: boolean; unkept: readonly string[] } | undefined> {
  const subject = await bridgeSubject(services, { entry, container: '' });
  if (subject === undefined) return undefined;
  const { signatureMirror } = await import('../git-directory/bridge/changed.ts');
  const state = bridgeState(services, entry);
  const now = signatureMirror(subject.directory, state?.branch ?? entry.branch);
  if (/^[-|]*$/.test(now)) return undefined;
  return { directory: subject.directory, unseen: state?.mirrored !== now, unkept: state?.unkept ?? [] };
}

/** Once the instance is gone: what the host kept for it goes, unless it is the only place of some work. Never fails. */
export async function forgetContainer(
  services: Services,
  entry: InstanceEntry,
  { commonDir }: Repository,
): Promise<void> {
  try {
    const { openHostGit } = await import('../git-directory/bridge/host-git.ts');
    const { dropKept, findKeptWork } = await import('../git-directory/bridge/mirror.ts');
    const git = openHostGit(commonDir, services.env);
    if ((await findKeptWork(git, entry.id)).length === 0) await dropKept(git, entry.id);
    else
      services.progress.note(
        `what only the container's git had is kept: git for-each-ref refs/headjack/instances/${entry.id}`,
      );
  } catch (error) {
    services.progress.note(`Warning: refs/headjack/instances/${entry.id} is left: ${messageOf(error)}`);
  }
}

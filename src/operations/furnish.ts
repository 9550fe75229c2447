import type { ContainerRuntime } from '../container/port.ts';
import { findImageUser, planUser, type ContainerUser } from '../container/user.ts';

/** Who an image knows. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

export async function readUserFiles(runtime: ContainerRuntime, container: string): Promise<UserFiles> {
  const [passwd = '', group = ''] = await Promise.all(
    ['/etc/passwd', '/etc/group'].map(file => runtime.readFile(container, file)),
  );
  return { passwd, group };
}

/**
 * Puts into a container that never ran what its programs need: a user of theirs, a home, `/workspace`, `/headjack`.
 * @param imageUser a user of the image's own that has the ids, '' for none
 */
export async function furnish(
  runtime: ContainerRuntime,
  container: string,
  about: {
    readonly worktree: string;
    readonly chosen: { readonly uid: number; readonly gid: number };
    readonly files: UserFiles;
    readonly imageUser: string;
    /** Whether `/workspace` is to lead to the worktree; it does, unless something else is mounted there. */
    readonly workspace?: boolean;
    /** Further links to the worktree. */
    readonly links?: readonly string[];
  },
): Promise<ContainerUser> {
  const { chosen, files, imageUser, worktree } = about;
  const plan = planUser(chosen, { ...files, user: findImageUser(imageUser, files.passwd) });
  await runtime.putEntries(container, [
    ...plan.entries,
    { kind: 'folder', path: '/headjack', mode: 0o755, ...chosen },
    { kind: 'folder', path: '/headjack/config', mode: 0o755, ...chosen },
    ...[...(about.workspace === false ? [] : ['/workspace']), ...(about.links ?? [])].map(place => ({
      kind: 'link' as const,
      path: place,
      target: worktree,
    })),
  ]);
  return plan.user;
}

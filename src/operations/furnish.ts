import type { ArchiveEntry, ContainerRuntime, LeftOutEntry } from '../container/port.ts';
import { findImageUser, planUser, type ContainerUser } from '../container/user.ts';
import { HeadjackError } from '../errors.ts';

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
 * @throws HeadjackError image_unsuitable where something is mounted in the way, by the image for one
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
    /** Further files, which it does without where something is in the way. */
    readonly more?: readonly ArchiveEntry[];
    /** Further links to the worktree, where nothing is. */
    readonly links?: readonly string[];
  },
): Promise<ContainerUser> {
  const { chosen, files, imageUser, worktree } = about;
  const plan = planUser(chosen, { ...files, user: findImageUser(imageUser, files.passwd) });
  const { links = [], more = [] } = about;
  const leftOut = await runtime.putEntries(container, [
    ...plan.entries,
    { kind: 'folder', path: '/headjack', mode: 0o755, ...chosen },
    { kind: 'folder', path: '/headjack/config', mode: 0o755, ...chosen },
    { kind: 'link', path: '/workspace', target: worktree, overImage: true },
    ...more,
    ...links.map(place => ({ kind: 'link' as const, path: place, target: worktree })),
  ]);
  for (const entry of leftOut)
    if (!isDispensable(entry, [...links, ...more.map(one => one.path)])) throw placeTaken(entry);
  return plan.user;
}

/** The worktree itself is mounted there; or nothing depends on it. */
function isDispensable({ path: place, because }: LeftOutEntry, others: readonly string[]): boolean {
  // nothing else than the worktree gets by the checks of what is mounted there
  if (place === '/workspace') return because?.target === place && because.source !== '';
  // whoever mounts over passwd and group says who there is; a declared folder is what the user mounts there
  return /^\/etc\/(passwd|group)$/.test(place) || others.includes(place);
}

function placeTaken({ path: place, because }: LeftOutEntry): HeadjackError {
  const what = because === undefined ? 'a folder of the image' : `what is mounted at ${because.target}`;
  return new HeadjackError('image_unsuitable', `${what} is in the way of the instance's own ${place}`, {
    hint: 'mount it at another place in the container, or choose another image: --image <ref>',
  });
}

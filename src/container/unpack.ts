import path from 'node:path';
import { isAtOrBelow } from '../core/place.ts';
import type { ArchiveEntry, LeftOutEntry } from './port.ts';

/** What an engine says of a container that never ran, and how it unpacks an archive there. */
export interface Unpacker {
  /** What is mounted, as the engine has it in the end: by us, by the user, by the image. */
  mounts(): Promise<readonly MountedPlace[]>;
  /** What is at a place; a link in the way of it is followed, one at its end is not. Undefined where nothing is. */
  stat(place: string): Promise<PlaceInside | undefined>;
  isEmptyFolder(place: string): Promise<boolean>;
  /** @returns false where a folder is in the way of a file, and nothing was done to it */
  unpack(entries: readonly ArchiveEntry[], replaceFolders: boolean): Promise<boolean>;
}

/** A place in a container where something is mounted; '' is the source of what is not a folder of this machine. */
export interface MountedPlace {
  readonly target: string;
  readonly source: string;
  readonly volume: boolean;
}

/** What is at a place in a container. */
export interface PlaceInside {
  readonly kind: 'folder' | 'link' | 'other';
  /** Where a link leads. */
  readonly leadsTo: string;
}

/**
 * Unpacks entries into a container's own file system. The engine mounts everything before it unpacks, and empties a folder that a file
 * is to replace: so nothing is put where something is mounted, in it or above it, and no file in the place of a folder with content.
 * @returns what was left out for that reason
 */
export async function unpackEntries(
  unpacker: Unpacker,
  entries: readonly ArchiveEntry[],
): Promise<LeftOutEntry[]> {
  // the innermost first: it is where something would land
  const mounts = [...(await unpacker.mounts())].sort((a, b) => b.target.length - a.target.length);
  const free: ArchiveEntry[] = [];
  const leftOut: LeftOutEntry[] = [];
  for (const entry of entries) {
    const place = await realPlace(unpacker, entry.path, entries);
    const mount = findMountInTheWay(entry, place, mounts);
    if (mount === undefined) free.push(entry);
    else if (entry.kind !== 'folder') leftOut.push({ path: entry.path, because: mount });
    else if (mount.volume && mount.target === place && (await unpacker.isEmptyFolder(place)))
      free.push(entry); // a new volume is root's: nobody else could write into it
    else if ((await unpacker.stat(place))?.kind !== 'folder')
      leftOut.push({ path: entry.path, because: mount });
  }
  if (free.length === 0 || (await unpacker.unpack(free, false))) return leftOut;
  // a folder of the image itself is in the way of one of them
  const kept = await findFilledFolders(unpacker, free);
  await unpacker.unpack(
    free.filter(entry => !kept.includes(entry.path)),
    true,
  );
  return [...leftOut, ...kept.map(place => ({ path: place, because: undefined }))];
}

async function findFilledFolders(unpacker: Unpacker, entries: readonly ArchiveEntry[]): Promise<string[]> {
  const kept: string[] = [];
  for (const entry of entries) {
    if (entry.kind === 'folder' || (entry.kind === 'link' && entry.overImage === true)) continue;
    const isFolder = (await unpacker.stat(entry.path))?.kind === 'folder';
    if (isFolder && !(await unpacker.isEmptyFolder(entry.path))) kept.push(entry.path);
  }
  return kept;
}

/** Something mounted at the place or above it; below it, where more than a folder that exists already would be put there. */
function findMountInTheWay(
  entry: ArchiveEntry,
  place: string,
  mounts: readonly MountedPlace[],
): MountedPlace | undefined {
  return (
    mounts.find(({ target }) => isAtOrBelow(place, target)) ??
    mounts.find(({ target }) => entry.kind !== 'folder' && isAtOrBelow(target, place))
  );
}

/** Where an entry lands: links of the image in the way of it are followed. */
async function realPlace(
  unpacker: Unpacker,
  place: string,
  entries: readonly ArchiveEntry[],
): Promise<string> {
  const names = place.split('/').filter(name => name !== '');
  const last = names.pop() ?? '';
  let folder = '/';
  let hops = 0;
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const next = path.posix.join(folder, name);
    // one that the archive itself makes is none of the image's links any more
    const own = entries.some(entry => entry.kind === 'folder' && entry.path === next);
    const found = own ? undefined : await unpacker.stat(next);
    if (found?.kind !== 'link' || hops++ > 40) folder = next;
    else {
      names.unshift(...path.posix.resolve(folder, found.leadsTo).split('/').filter(Boolean));
      folder = '/';
    }
  }
  return path.posix.join(folder, last);
}

import fs from 'node:fs';
import path from 'node:path';

/**
 * Whether anything was committed, staged or stashed in a container's own git directory: a new one has no objects. Programs inside write
 * it, so nothing of it is read or followed.
 */
export function holdsObjects(directory: string): boolean {
  const objects = path.join(directory, 'objects');
  const stat = fs.lstatSync(directory, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  const names = (folder: string): string[] | undefined =>
    fs.lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true
      ? fs.readdirSync(folder)
      : undefined;
  const all = names(objects);
  const packs = names(path.join(objects, 'pack'));
  return all?.every(name => name === 'info' || name === 'pack') !== true || packs?.length !== 0;
}

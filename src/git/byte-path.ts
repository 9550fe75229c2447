import fs from 'node:fs';
import { ignoring } from '../errors.ts';

/** A latin1 path below `root`, as the bytes that it stands for. */
export function bytePath(root: string, relative: string): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(relative, 'latin1')]);
}

/** `lstat` of a latin1 path below `root`; undefined where there is nothing. */
export function lstatIn(root: string, relative: string): fs.Stats | undefined {
  return lstatBytes(bytePath(root, relative));
}

export function lstatBytes(file: Buffer): fs.Stats | undefined {
  // a file may stand where one of its folders was
  return ignoring(['ENOTDIR'], () => fs.lstatSync(file, { throwIfNoEntry: false }), undefined);
}

/** A latin1 path as text for people and for programs that want text. */
export function pathText(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

/** Whether the text of a latin1 path leads to the same place: a name that is not UTF-8 cannot be given to a program as text. */
export function isText(latin1: string): boolean {
  const bytes = Buffer.from(latin1, 'latin1');
  return Buffer.from(bytes.toString('utf8')).equals(bytes);
}

/** The folders that a file is in, the innermost first; of those in a git directory only that itself. */
export function foldersOf(file: string): string[] {
  if (file.startsWith('.git/')) return [];
  const place = file.replace(/\/\.git\/.*$/s, '/.git/');
  const found: string[] = [];
  for (let end = place.lastIndexOf('/'); end !== -1; end = place.lastIndexOf('/', end - 1))
    found.push(place.slice(0, end));
  return found;
}

import fs from 'node:fs';
import path from 'node:path';
import { isAtOrBelow } from '../core/place.ts';
import { ignoring } from '../errors.ts';
import { judgeMaker, makerTag } from './maker-tag.ts';

/** Makes a folder and its missing parents with mode 0700, whatever the umask. Existing ones are left as they are. */
export function makePrivateFolder(folder: string): void {
  if (fs.existsSync(folder)) return;
  makePrivateFolder(path.dirname(folder));
  if (ignoring(['EEXIST'], () => (fs.mkdirSync(folder, { mode: 0o700 }), true), false))
    fs.chmodSync(folder, 0o700);
}

/** Whether the maker of a temp file, by its name, is dead. False for any other file. */
export function isLeftTemp(name: string): boolean {
  return name.endsWith('.tmp') && judgeMaker(name) === 'dead';
}

/** Writes a file and waits until its content is on the disk. Its name is not: that takes an fsync of the folder. */
export function writeDurably(
  file: string,
  content: string | Buffer,
  options: { readonly flag: 'w' | 'wx'; readonly mode: number },
): void {
  const fd = fs.openSync(file, options.flag, options.mode);
  try {
    fs.writeFileSync(fd, content);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Makes a file that is on the disk with all of its content before it has its name. One that is there already stays. */
export function createFile(file: string, content: string, mode: number): void {
  const temp = `${file}.hjk.${makerTag()}.tmp`;
  try {
    writeDurably(temp, content, { flag: 'w', mode });
    ignoring(
      ['EEXIST'],
      () => {
        fs.linkSync(temp, file);
      },
      undefined,
    );
  } finally {
    fs.rmSync(temp, { force: true });
  }
}

/** Replaces a file of ours in one step: temp file beside it, mode 0600, rename. The folder is never made. */
export function replaceFile(file: string, content: string | Buffer): void {
  const random = process.getBuiltinModule('node:crypto').randomBytes(4).toString('hex');
  const temp = `${file}.${makerTag()}.${random}.tmp`;
  try {
    fs.writeFileSync(temp, content, { mode: 0o600, flag: 'wx' });
    fs.renameSync(temp, file);
  } catch (error) {
    fs.rmSync(temp, { force: true });
    throw error;
  }
}

export function fsyncFolder(folder: string): void {
  const fd = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** The names in a folder, none where there is no folder. */
export function listFolder(folder: string): string[] {
  return ignoring(['ENOENT', 'ENOTDIR'], () => fs.readdirSync(folder), []);
}

/** Real path of `file`, or of the nearest parent that exists with the rest appended. */
export function realPathOf(file: string): string {
  try {
    return fs.realpathSync(file);
  } catch {
    const parent = path.dirname(file);
    return parent === file ? file : path.join(realPathOf(parent), path.basename(file));
  }
}

/** Whether `place` is one of the folders or in one, links followed on both sides. */
export function leadsInto(place: string, folders: readonly string[]): boolean {
  const real = realPathOf(place);
  return folders.some(folder => isAtOrBelow(real, realPathOf(folder)));
}

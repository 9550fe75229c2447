import fs from 'node:fs';
import path from 'node:path';

/**
 * What tells whether anything has changed, by lstat alone: some ten calls, tens of microseconds. Nothing is opened that a program
 * inside wrote, and nothing parsed. A lie only costs a look, or that its own commit is seen later.
 */
export function signatureInside(directory: string, branch: string): string {
  const parts = branch.split('/');
  const folder = parts.slice(0, -1);
  return [
    lookBelow(directory, ['refs', 'heads', ...parts]),
    lookBelow(directory, ['refs', 'heads', ...folder]),
    lookBelow(directory, ['refs', 'heads']),
    lookBelow(directory, ['refs', 'tags']),
    lookBelow(directory, ['packed-refs']),
    lookBelow(directory, ['HEAD']),
    lookBelow(directory, ['reftable', 'tables.list']),
  ].join('|');
}

/** The same of everything that is mirrored when the container stops: stashes, reflogs and the index, too. */
export function signatureMirror(directory: string, branch: string): string {
  return [
    signatureInside(directory, branch),
    lookBelow(directory, ['refs', 'stash']),
    lookBelow(directory, ['logs', 'HEAD']),
    lookBelow(directory, ['index']),
    ...lookAtModules(directory),
  ].join('|');
}

const MOST_FOLDERS = 500;

/** The same of the repositories of submodules, which are in there too. Of so many as there can be at most in honest ones. */
function lookAtModules(directory: string): string[] {
  const found: string[] = [];
  let left = MOST_FOLDERS;
  const visit = (folder: string, depth: number): void => {
    if (depth > 16 || fs.lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return;
    for (const name of firstNames(folder)) {
      if (left-- <= 0) return;
      const place = path.join(folder, name);
      if (fs.lstatSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
      const isRepository = look(path.join(place, 'HEAD')) !== '-';
      if (isRepository)
        for (const file of [
          ['HEAD'],
          ['packed-refs'],
          ['refs', 'heads'],
          ['refs', 'stash'],
          ['logs', 'HEAD'],
        ])
          found.push(lookBelow(place, file));
      visit(isRepository ? path.join(place, 'modules') : place, depth + 1);
    }
  };
  visit(path.join(directory, 'modules'), 0);
  return found;
}

function firstNames(folder: string): string[] {
  const names: string[] = [];
  const open = fs.opendirSync(folder);
  try {
    for (let entry = open.readSync(); entry !== null && names.length < MOST_FOLDERS; entry = open.readSync())
      names.push(entry.name);
  } finally {
    open.closeSync();
  }
  return names.sort();
}

/** The same of the host's own refs. */
export function signatureHost(commonDir: string, branch: string, folders: readonly string[]): string {
  return ['packed-refs', path.join('reftable', 'tables.list'), path.join('refs', 'heads', branch), ...folders]
    .map(name => look(path.join(commonDir, name)))
    .join('|');
}

/**
 * The state of a file below a folder that programs inside write. Parents that are links count as absent: they could lead to a
 * mount of the host that is dead, or starts at a look. Where one is put in place in between, lstat still opens nothing.
 */
function lookBelow(folder: string, names: readonly string[]): string {
  let place = folder;
  for (const name of names.slice(0, -1)) {
    place = path.join(place, name);
    const stat = fs.lstatSync(place, { throwIfNoEntry: false });
    if (stat?.isDirectory() !== true) return '-';
  }
  return look(path.join(place, names.at(-1) ?? ''));
}

function look(file: string): string {
  try {
    const stat = fs.lstatSync(file, { bigint: true });
    return `${String(stat.ino)}.${String(stat.mtimeNs)}.${String(stat.size)}.${String(stat.mode)}`;
  } catch {
    return '-'; // gone, or a folder that cannot be entered
  }
}

/** The folders of the host's refs (names a char a byte) whose content tells that one was made, moved or deleted. At most so many as a look may cost. */
export function foldersOf(refs: Iterable<string>): string[] {
  const folders = new Set(['refs/heads', 'refs/tags', 'refs/remotes']);
  for (const name of refs) {
    if (folders.size >= 200) break;
    folders.add(path.posix.dirname(Buffer.from(name, 'latin1').toString('utf8')));
  }
  return [...folders].sort();
}

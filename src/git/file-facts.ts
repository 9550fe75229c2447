import type fs from 'node:fs';
import { foldersOf, lstatBytes } from './byte-path.ts';
import type { Look } from './look.ts';
import type { SnapshotMessage } from './snapshot-message.ts';
import { diskPath, type WorkingTree } from './working-tree.ts';

type Facts = Pick<SnapshotMessage, 'usual_modes' | 'modes' | 'folders' | 'links'>;
type Kind = keyof NonNullable<SnapshotMessage['usual_modes']>;

/**
 * What git's objects cannot say of the files: modes, those that most have and the others by name, empty folders, hard links. Git
 * directories inside are left out but for their empty folders: git sets the modes in there itself.
 */
export function describeTree(look: Look, working: WorkingTree): Facts {
  const places: { readonly path: string; readonly kind: Kind }[] = [];
  const folders = new Set<string>(working.emptyFolders.filter(isOutsideGit));
  for (const [file, { mode }] of working.files) {
    if (isOutsideGit(file)) {
      if (mode === '100644') places.push({ path: file, kind: 'file' });
      if (mode === '100755') places.push({ path: file, kind: 'executable' });
    }
    for (const folder of foldersOf(file)) {
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  for (const folder of folders) places.push({ path: folder, kind: 'folder' });
  const seen: Record<Kind, Map<string, string[]>> = {
    file: new Map(),
    executable: new Map(),
    folder: new Map(),
  };
  const sameFile = new Map<string, string[]>();
  for (const { path, kind } of places) {
    const stat = lstatBytes(diskPath(look, path));
    if (stat === undefined || stat.isSymbolicLink() || stat.isDirectory() !== (kind === 'folder')) continue;
    const mode = (stat.mode & 0o7777).toString(8);
    push(seen[kind], mode, path);
    if (stat.isFile() && stat.nlink > 1) push(sameFile, identity(stat), path);
  }
  const usual = { file: '644', executable: '755', folder: '755' };
  const modes: Record<string, string> = {};
  for (const kind of ['file', 'executable', 'folder'] as const) {
    const [most] = [...seen[kind]].sort(([, a], [, b]) => b.length - a.length);
    if (most === undefined) continue;
    usual[kind] = most[0];
    for (const [mode, paths] of seen[kind])
      if (mode !== most[0]) for (const path of paths) modes[path] = mode;
  }
  return {
    usual_modes: usual,
    modes,
    folders: [...working.emptyFolders],
    links: [...sameFile.values()].filter(paths => paths.length > 1),
  };
}

function isOutsideGit(file: string): boolean {
  return !/(?:^|\/)\.git\//.test(file);
}

function identity(stat: fs.Stats): string {
  return `${String(stat.dev)}:${String(stat.ino)}`;
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

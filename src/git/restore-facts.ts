import fs from 'node:fs';
import { foldersOf, lstatBytes } from './byte-path.ts';
import type { SnapshotMessage } from './snapshot-message.ts';
import type { FileTree } from './working-tree.ts';
import { prepare, prepareFolder, type RestorePlace } from './write-files.ts';

type UsualModes = NonNullable<SnapshotMessage['usual_modes']>;

/** Empty folders, hard links and modes, once all files are there: a folder that nobody may write to comes last. */
export function restoreFacts(at: RestorePlace, message: SnapshotMessage, tree: FileTree): void {
  for (const folder of message.folders) prepareFolder(at, folder);
  for (const [first, ...others] of message.links)
    if (first !== undefined) for (const other of others) link(at, tree, [first, other]);
  if (message.usual_modes !== null)
    restoreUsual(at, { usual: message.usual_modes, leftOut: message.left_out }, tree);
  const named = Object.entries(message.modes).sort(([a], [b]) => b.split('/').length - a.split('/').length);
  for (const [place, mode] of named) chmod(at, place, mode);
}

function link(at: RestorePlace, tree: FileTree, [first, other]: readonly [string, string]): void {
  const [one, two] = [tree.get(first), tree.get(other)];
  if (one === undefined || one.object !== two?.object || one.mode !== two.mode || one.mode === '120000')
    return;
  const [from, to] = [prepare(at, first), prepare(at, other)];
  if (lstatBytes(from)?.isFile() !== true || lstatBytes(to)?.isFile() !== true) return;
  fs.unlinkSync(to);
  fs.linkSync(from, to);
}

function restoreUsual(
  at: RestorePlace,
  { usual, leftOut }: { readonly usual: UsualModes; readonly leftOut: readonly string[] },
  tree: FileTree,
): void {
  const absent = new Set(leftOut);
  const folders = new Set<string>();
  for (const [file, { mode }] of tree) {
    if (absent.has(file)) continue;
    for (const folder of foldersOf(file)) folders.add(folder);
    if (/(?:^|\/)\.git\//.test(file)) continue;
    if (mode === '100644') chmod(at, file, usual.file);
    if (mode === '100755') chmod(at, file, usual.executable);
  }
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) chmod(at, folder, usual.folder);
}

/** Never follows a link, and gives nobody else's rights: set-uid, set-gid and sticky bits do not come back. */
function chmod(at: RestorePlace, place: string, mode: string): void {
  const target = prepare(at, place);
  const stat = lstatBytes(target);
  if (stat?.isFile() !== true && stat?.isDirectory() !== true) return;
  const wanted = Number.parseInt(mode, 8) & 0o777;
  if ((stat.mode & 0o7777) !== wanted) fs.chmodSync(target, wanted);
}

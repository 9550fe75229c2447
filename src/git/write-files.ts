import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError } from '../errors.ts';
import { printable } from '../core/printable.ts';
import { bytePath, pathText } from './byte-path.ts';
import type { Plumbing } from './plumbing.ts';
import type { TreeEntry } from './working-tree.ts';

/** A worktree that is being filled. */
export interface RestorePlace {
  readonly metadata: string;
  readonly worktree: string;
}

/** What of the worktree's own metadata a snapshot may hold: repositories of submodules, the patterns of a sparse checkout. */
const METADATA = /^\.git\/(modules\/.+|info\/sparse-checkout)$/s;

const BATCH_BYTES = 32 * 1024 ** 2;

/** Writes files byte for byte, none over another. */
export async function writeRaw(
  git: Plumbing,
  at: RestorePlace,
  files: readonly (readonly [file: string, entry: TreeEntry])[],
): Promise<void> {
  const input = files.map(([, { object }]) => `${object}\n`).join('');
  const sizes =
    files.length === 0
      ? []
      : (await git.text(['cat-file', '--buffer', '--batch-check=%(objectsize)'], { input })).split('\n');
  let batch: (readonly [file: string, entry: TreeEntry])[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await writeBatch(git, at, batch);
    batch = [];
    bytes = 0;
  };
  for (const [i, [file, entry]] of files.entries()) {
    const size = Number(sizes[i]);
    if (size > BATCH_BYTES && entry.mode !== '120000') {
      await writeLarge(git, at, [file, entry]);
      continue;
    }
    if (bytes + size > BATCH_BYTES) await flush();
    batch.push([file, entry]);
    bytes += size;
  }
  await flush();
}

async function writeBatch(
  git: Plumbing,
  at: RestorePlace,
  batch: readonly (readonly [file: string, entry: TreeEntry])[],
): Promise<void> {
  const answer = await git.bytes(['cat-file', '--buffer', '--batch=%(objectname) %(objectsize)'], {
    input: batch.map(([, { object }]) => `${object}\n`).join(''),
  });
  let position = 0;
  for (const [file, entry] of batch) {
    const end = answer.indexOf(10, position);
    const size = Number(answer.toString('latin1', position, end).split(' ')[1]);
    if (!Number.isInteger(size))
      throw new HeadjackError(
        'git_failed',
        `the snapshot is not whole: ${printable(pathText(file))} is missing`,
      );
    const content = answer.subarray(end + 1, end + 1 + size);
    position = end + size + 2;
    const place = prepare(at, file);
    if (entry.mode === '120000') fs.symlinkSync(content, place);
    else fs.writeFileSync(place, content, { flag: 'wx', mode: modeOf(file, entry) });
  }
}

/** A file too large for memory goes from git straight to the disk. */
async function writeLarge(
  git: Plumbing,
  at: RestorePlace,
  [file, entry]: readonly [file: string, entry: TreeEntry],
): Promise<void> {
  const fd = fs.openSync(prepare(at, file), 'wx', modeOf(file, entry));
  try {
    await git.bytes(['cat-file', 'blob', entry.object], { stdoutFd: fd });
  } finally {
    fs.closeSync(fd);
  }
}

/** The place of a file, its folders made. @throws HeadjackError unsafe for a path that leads out, or into git's own files */
export function prepare(at: RestorePlace, file: string): Buffer {
  const inMetadata = METADATA.exec(file)?.[1];
  const [root, relative] = inMetadata === undefined ? [at.worktree, file] : [at.metadata, inMetadata];
  const parts = relative.split('/');
  if (
    parts.some(part => part === '' || part === '.' || part === '..') ||
    file.startsWith('.git/') !== (inMetadata !== undefined)
  )
    throw new HeadjackError(
      'unsafe',
      `the snapshot holds a path that is no file of a worktree: ${printable(pathText(file))}`,
      { hint: 'the snapshot was not made by hjk; nothing outside the worktree was touched' },
    );
  for (let depth = 1; depth < parts.length; depth++) {
    const folder = bytePath(root, parts.slice(0, depth).join('/'));
    const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
    if (stat === undefined) fs.mkdirSync(folder);
    else if (!stat.isDirectory())
      throw new HeadjackError(
        'unsafe',
        `${path.join(root, printable(pathText(relative)))} leads through a link`,
        {
          hint: 'the snapshot was not made by hjk',
        },
      );
  }
  return bytePath(root, relative);
}

export function prepareFolder(at: RestorePlace, folder: string): void {
  prepare(at, `${folder}/x`);
}

/** Modes of a file by what git says of it; those of a git directory's objects are git's own. */
function modeOf(file: string, entry: TreeEntry): number {
  if (/(?:^|\/)\.git\/(?:.*\/)?objects\/(?:[0-9a-f]{2}|pack)\/[^/]+$/.test(file)) return 0o444;
  return entry.mode === '100755' ? 0o755 : 0o644;
}

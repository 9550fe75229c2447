import fs from 'node:fs';
import { HeadjackError } from '../errors.ts';
import { pathText } from './byte-path.ts';
import { printable } from '../core/printable.ts';
import type { Look } from './look.ts';
import { durable, type Plumbing } from './plumbing.ts';
import { diskPath, readChunks, type WorkingTree } from './working-tree.ts';

/**
 * Puts files of the folder into git's object store as they are, in one pack that is on the disk when this returns: no filter, no
 * line endings, names of any bytes.
 * @throws HeadjackError git_failed (a full disk among others)
 */
export async function importFiles(git: Plumbing, look: Look, { files, touched }: WorkingTree): Promise<void> {
  const wanted = new Map<string, string>(); // object → file
  for (const file of touched) {
    const entry = files.get(file);
    if (entry !== undefined) wanted.set(entry.object, file);
  }
  if (wanted.size === 0) return;
  await importBlobs(git, blobs());

  function* blobs(): Generator<{ size: number; chunks: Iterable<Buffer> }> {
    for (const relative of wanted.values()) {
      const file = diskPath(look, relative);
      const stat = fs.lstatSync(file);
      const link = stat.isSymbolicLink() ? fs.readlinkSync(file, 'buffer') : undefined;
      yield link === undefined
        ? { size: stat.size, chunks: readChunks(file, stat.size) }
        : { size: link.length, chunks: [link] };
    }
  }
  const [changed] = await findMissing(git, [...wanted.keys()]);
  if (changed !== undefined) {
    const file = printable(pathText(wanted.get(changed) ?? ''));
    throw new HeadjackError('busy', `${look.at}/${file} changed while it was stored`, {
      hint: 'end what writes there, then try again',
    });
  }
}

async function importBlobs(
  git: Plumbing,
  blobs: Iterable<{ size: number; chunks: Iterable<Buffer> }>,
): Promise<void> {
  const header = (text: string): Buffer => Buffer.from(text);
  function* stream(): Generator<Buffer> {
    yield header('feature done\n');
    for (const { size, chunks } of blobs) {
      yield header(`blob\ndata ${String(size)}\n`);
      yield* chunks;
      yield header('\n');
    }
    yield header('done\n');
  }
  await git.bytes([...durable, 'fast-import', '--quiet'], { input: coalesce(stream()) });
}

const WRITE_BYTES = 128 * 1024;

/** Many small pieces as few large ones: a write to a pipe costs more than the copy. */
function* coalesce(pieces: Iterable<Buffer>): Generator<Buffer> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    waiting.push(piece);
    bytes += piece.length;
    if (bytes < WRITE_BYTES) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}

/** Those of the objects that git has not. */
async function findMissing(git: Plumbing, objects: readonly string[]): Promise<string[]> {
  if (objects.length === 0) return [];
  const input = objects.map(object => `${object}\n`).join('');
  const answers = (await git.text(['cat-file', '--buffer', '--batch-check'], { input })).split('\n');
  return objects.filter((_object, i) => answers[i]?.endsWith(' missing') ?? true);
}

import { Readable } from 'node:stream';
import tar from 'tar-stream';
import type { ArchiveEntry } from './port.ts';

/** A tar of entries at absolute paths, to be unpacked at `/`. */
export function packEntries(entries: readonly ArchiveEntry[]): Promise<Buffer> {
  const pack = tar.pack();
  for (const entry of entries) {
    const name = entry.path.replace(/^\//, '');
    if (entry.kind === 'file') pack.entry({ name, mode: entry.mode, uid: 0, gid: 0 }, entry.content);
    else if (entry.kind === 'link')
      pack.entry({ name, type: 'symlink', linkname: entry.target, mode: 0o777 });
    else
      pack.entry({ name: `${name}/`, type: 'directory', mode: entry.mode, uid: entry.uid, gid: entry.gid });
  }
  pack.finalize();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    pack.on('data', chunk => chunks.push(chunk as Buffer));
    pack.on('end', () => {
      resolve(Buffer.concat(chunks));
    });
    pack.on('error', reject);
  });
}

/** More than any passwd has: an image can hold a file of any size. */
const MOST_BYTES = 4 * 1024 ** 2;

/** The first file of an archive, as text; of one without end, its beginning. */
export async function readFirstFile(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const entry of extractFrom(stream)) {
    for await (const chunk of entry) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > MOST_BYTES) return Buffer.concat(chunks).subarray(0, MOST_BYTES).toString('utf8');
    }
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Whether an archive has something besides its first entry. The rest of it is not read. */
export async function hasSecondEntry(stream: NodeJS.ReadableStream): Promise<boolean> {
  let entries = 0;
  for await (const entry of extractFrom(stream)) {
    if (++entries > 1) return true;
    entry.resume();
  }
  return false;
}

function extractFrom(stream: NodeJS.ReadableStream): tar.Extract {
  const extract = tar.extract();
  extract.on('close', () => {
    if (stream instanceof Readable) stream.destroy();
  });
  stream.on('error', (error: Error) => {
    extract.destroy(error);
  });
  stream.pipe(extract);
  return extract;
}

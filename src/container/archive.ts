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

/** The first file of an archive, as text. */
export async function readFirstFile(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  const extract = tar.extract();
  stream.pipe(extract);
  for await (const entry of extract) {
    for await (const chunk of entry) chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

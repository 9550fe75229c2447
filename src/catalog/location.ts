import fs from 'node:fs';
import path from 'node:path';
import { shortHash } from '../core/hash.ts';
import { HeadjackError, errnoOf } from '../errors.ts';
import { realPathOf } from '../process/files.ts';

/**
 * Where the catalog really is: links are followed, dangling ones too, so that lock, temp file and rename are beside the real
 * file and two names of it are one lock.
 */
export function realCatalogPath(file: string): string {
  let current = file;
  for (let hops = 0; hops < 40; hops++) {
    current = path.join(realPathOf(path.dirname(current)), path.basename(current));
    try {
      current = path.resolve(path.dirname(current), fs.readlinkSync(current));
    } catch (error) {
      if (['EINVAL', 'ENOENT', 'ENOTDIR', 'UNKNOWN'].includes(errnoOf(error) ?? '')) return current;
      throw new HeadjackError(
        'catalog_unreadable',
        `${file} cannot be read (${errnoOf(error) ?? 'unknown'})`,
        { cause: error },
      );
    }
  }
  throw new HeadjackError('catalog_unreadable', `${file} is a link that leads to itself`);
}

/** First 12 hex of sha256 of the catalog's real path: tells our containers from those of another state root. */
export function ownerOf(file: string): string {
  return shortHash(realCatalogPath(file), 12);
}

/**
 * Whether anything shows that instances have existed: then an empty catalog file is a damaged one. A mere `ps` of the original
 * leaves an empty file.
 */
export function instancesExisted(file: string, folders: { worktrees: string; logs: string }): boolean {
  const names = (folder: string): fs.Dirent[] => {
    try {
      return fs.readdirSync(folder, { withFileTypes: true });
    } catch {
      return [];
    }
  };
  const base = path.basename(file).replace(/\.json$/, '');
  if (names(path.dirname(file)).some(e => e.name.startsWith(base) && e.name.endsWith('.bak'))) return true;
  if (names(folders.logs).some(e => e.isDirectory() && /^[0-9a-f]{8}$/.test(e.name))) return true;
  return names(folders.worktrees).some(
    e => e.isDirectory() && names(path.join(folders.worktrees, e.name)).some(b => b.isDirectory()),
  );
}

import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError, errnoOf, isFull, messageOf } from '../errors.ts';
import { fsyncFolder, makePrivateFolder } from '../process/files.ts';
import { sleep } from '../process/sleep.ts';
import { keepOldVersion } from './backup.ts';
import { instancesExisted, realCatalogPath } from './location.ts';
import { CatalogLock, LockLost } from './lock/lock.ts';
import { Reserve } from './lock/reserve.ts';
import type { OwnMarker } from './lock/markers.ts';
import { parseCatalog, type ParsedCatalog } from './parse.ts';
import { CATALOG_VERSION, emptyCatalog, type Catalog } from './types.ts';
import { readRegular } from '../process/regular-file.ts';

/** The catalog port. There is no "get, change, put back": load, change and commit happen inside one lock. */
export interface CatalogStore {
  /** Runs `fn` on the catalog under a shared lock and gives its result. Creates nothing. */
  read<T>(fn: (catalog: Readonly<Catalog>) => T): Promise<T>;
  /**
   * Runs `fn` on a draft under an exclusive lock, commits the draft durably and gives the result. `fn` is synchronous and pure
   * and may run again on fresh data; what it throws leaves the catalog as it was.
   */
  update<T>(fn: (draft: Catalog) => T): Promise<T>;
}

export interface CatalogOptions {
  readonly file: string;
  /** What the lock's time-out says of us: the verb, never its arguments. */
  readonly verb: string;
  readonly folders: { worktrees: string; logs: string };
  /** Folder of the blocks that are set aside for a full disk, on the catalog's file system. */
  readonly reserve?: string;
}

/** Of a catalog; ten thousand instances take ten. */
const MOST_BYTES = 512 * 1024 ** 2;

/** What ends programs and makes room has to work on a full disk. Everything else says that it is full, and changes nothing. */
const makeRoom = ['kill', 'stop', 'rm', 'prune', 'doctor', 'session'];
/** Others may have both parts of the reserve for a moment. */
const RESERVE_TRIES = 20;

/** Reasons for which no marker can be left: a reader then reads without, as a rename keeps what it sees whole. */
const CANNOT_MARK = ['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE'];

export function createCatalogStore(options: CatalogOptions): CatalogStore {
  const file = realCatalogPath(options.file);
  const folder = path.dirname(file);
  const reserve = options.reserve === undefined ? undefined : new Reserve(options.reserve);

  /** No marker is put beside what is no file: it would be in /dev or the like. @throws HeadjackError catalog_unreadable */
  const isThere = (): boolean => {
    if (!fs.existsSync(file)) return false;
    if (fs.statSync(file).isFile()) return true;
    throw new HeadjackError('catalog_unreadable', `${options.file} is not a regular file`, {
      hint: `look at it: ls -ld ${options.file}`,
    });
  };
  /** Undefined where there is no file yet. */
  const load = (): Buffer | undefined => {
    try {
      return readRegular(file, { most: MOST_BYTES });
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
      throw unreadable(error);
    }
  };
  const unreadable = (error: unknown): HeadjackError =>
    isFull(error)
      ? new HeadjackError(
          'disk_full',
          `${options.file} cannot be written: no space is left on the disk (${errnoOf(error) ?? ''})`,
          {
            hint: 'make room, then run the command again; hjk kill, stop and rm work meanwhile',
            cause: error,
          },
        )
      : new HeadjackError('catalog_unreadable', `${options.file} cannot be used: ${messageOf(error)}`, {
          hint: 'check the folder and its permissions: hjk paths',
          cause: error,
        });
  const parse = async (bytes: Buffer | undefined): Promise<ParsedCatalog> => {
    if (bytes === undefined) return { catalog: emptyCatalog(), version: CATALOG_VERSION };
    if (bytes.length > 0) return parseCatalog(bytes, options.file);
    if (!instancesExisted(file, options.folders))
      return { catalog: emptyCatalog(), version: CATALOG_VERSION };
    throw new HeadjackError('catalog_empty', `${options.file} is empty, but instances have existed`, {
      hint: 'restore the file from a backup, or remove it to start with an empty catalog',
    });
  };

  return {
    async read(fn) {
      if (!isThere()) return fn((await parse(load())).catalog);
      const lock = new CatalogLock(file, options.verb);
      let marker: OwnMarker | undefined;
      try {
        marker = await lock.acquireShared();
      } catch (error) {
        if (!CANNOT_MARK.includes(errnoOf(error) ?? '')) throw systemError(error, unreadable);
      }
      let bytes: Buffer | undefined;
      try {
        bytes = load();
      } finally {
        if (marker !== undefined) lock.release(marker);
      }
      return fn((await parse(bytes)).catalog);
    },

    async update(fn) {
      isThere();
      try {
        const lock = new CatalogLock(file, options.verb, reserve);
        for (let full = 0; ;) {
          if (full > 0) lock.useReserve();
          if (full > 1) await sleep(25);
          const marker = await lock.acquireExclusive().catch((error: unknown) => {
            if (isFull(error) && full > 0 && full < RESERVE_TRIES) return undefined;
            if (errnoOf(error) !== 'ENOENT') throw error;
            // first use; the folder may be there by now, made by another process that came first
            makePrivateFolder(folder);
            fsyncFolder(path.dirname(folder));
            return lock.acquireExclusive();
          });
          if (marker === undefined) {
            full++;
            continue;
          }
          let result: ReturnType<typeof fn>;
          let text: string;
          try {
            const old = load();
            const { catalog, version } = await parse(old);
            result = fn(catalog);
            text = `${JSON.stringify(catalog, null, 2)}\n`;
            if (old !== undefined && version < CATALOG_VERSION) keepOldVersion(file, version, old);
          } catch (error) {
            lock.release(marker);
            throw error;
          }
          try {
            lock.commit(marker, text);
            return result;
          } catch (error) {
            if (error instanceof LockLost) continue;
            if (full > 0 || !isFull(error) || !makeRoom.includes(options.verb)) throw error;
            full = 1;
          }
        }
      } catch (error) {
        throw systemError(error, unreadable);
      }
    },
  };
}

function systemError(error: unknown, translate: (error: unknown) => HeadjackError): unknown {
  return errnoOf(error) !== undefined && !(error instanceof HeadjackError) ? translate(error) : error;
}

import fs from 'node:fs';
import path from 'node:path';
import { errnoOf, ignoring } from '../../errors.ts';
import { ownIdentity, ownPidSpace } from '../../process/identity.ts';
import type { Reserve } from './reserve.ts';

/**
 * Everything about the lock is in the names of files beside the catalog, so that one `readdir` shows all of it:
 *
 *   catalog.json.r-<who>      a reader holds the shared lock
 *   catalog.json.w-<who>      a writer holds the exclusive lock; this very file becomes catalog.json
 *   catalog.json.q-<t><k>.<who>   a place in the queue since t (monotonic ns), for a reader or a writer (k)
 *   who = <pid>.<process start>.<pid space>.<nonce>.<verb>
 */
export type LockKind = 'r' | 'w';

export interface Marker {
  readonly name: string;
  readonly kind: LockKind | 'q';
  /** For a place in the queue: sort key, and the lock it waits for. For a lock: '' and its own kind. */
  readonly ticket: string;
  readonly wants: LockKind;
  readonly pid: number;
  readonly start: string;
  readonly space: string;
  readonly verb: string;
}

/** Locks and queue as one look at the folder shows them; the queue in order. */
export interface LockView {
  readonly readers: Marker[];
  readonly writers: Marker[];
  readonly queue: Marker[];
}

/** A marker of ours. `fd` is open for a lock, closed for a place in the queue. */
export interface OwnMarker {
  readonly name: string;
  readonly path: string;
  fd: number | undefined;
  /** Made of blocks that were set aside. */
  readonly reserved?: boolean;
}

/** Tells the markers of one process apart, and those of two processes that had one pid. */
const nonce = Math.random().toString(36).slice(2, 10);
let count = 0;
const mine = new Set<string>();
let watchingExit = false;

/** Markers of a process that exits in an orderly way go with it; those of a killed one are judged by its pid. */
function removeAtExit(file: string): void {
  mine.add(file);
  if (watchingExit) return;
  watchingExit = true;
  process.once('exit', () => {
    for (const left of mine) {
      try {
        removeMarker(left);
      } catch {
        // the next one at the lock sees that we are gone
      }
    }
  });
}

/** Whether it was there. */
export function removeMarker(file: string): boolean {
  try {
    fs.unlinkSync(file);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

export class MarkerFolder {
  readonly folder: string;
  readonly #base: string;
  readonly #verb: string;
  readonly #reserve: Reserve | undefined;

  constructor(file: string, verb: string, reserve?: Reserve) {
    this.#reserve = reserve;
    this.folder = path.dirname(file);
    this.#base = path.basename(file);
    this.#verb = /^[a-z]{1,20}$/.test(verb) ? verb : 'hjk';
  }

  pathOf(marker: Marker): string {
    return path.join(this.folder, marker.name);
  }

  look(): LockView {
    const view: LockView = { readers: [], writers: [], queue: [] };
    const prefix = `${this.#base}.`;
    for (const name of fs.readdirSync(this.folder)) {
      if (name[prefix.length + 1] !== '-' || !name.startsWith(prefix)) continue;
      const kind = name[prefix.length];
      if (kind !== 'r' && kind !== 'w' && kind !== 'q') continue;
      const fields = name.slice(prefix.length + 2).split('.');
      const ticket = kind === 'q' ? (fields.shift() ?? '') : '';
      const [pid = '', start = '', space = '', , verb = 'hjk'] = fields;
      const wants = kind === 'q' ? (ticket.endsWith('r') ? 'r' : 'w') : kind;
      const marker: Marker = { name, kind, ticket, wants, pid: Number(pid), start, space, verb };
      (kind === 'r' ? view.readers : kind === 'w' ? view.writers : view.queue).push(marker);
    }
    if (view.queue.length > 1) view.queue.sort((a, b) => (a.ticket < b.ticket ? -1 : 1));
    return view;
  }

  /** Creates the marker that says: this process holds the lock. */
  flag(kind: LockKind): OwnMarker {
    return this.#create(`${this.#base}.${kind}-${this.#who()}`);
  }

  /** The same for a writer, of the reserve. @throws ENOSPC where there is none */
  flagReserved(): OwnMarker {
    const name = `${this.#base}.w-${this.#who()}`;
    const file = path.join(this.folder, name);
    const fd = this.#reserve?.take(file);
    if (fd === undefined) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    removeAtExit(file);
    return { name, path: file, fd, reserved: true };
  }

  takeTicket(kind: LockKind): OwnMarker {
    const when = String(process.hrtime.bigint()).padStart(20, '0');
    const ticket = this.#create(`${this.#base}.q-${when}${kind}.${this.#who()}`);
    closeMarker(ticket);
    return ticket;
  }

  drop(marker: OwnMarker): void {
    closeMarker(marker);
    if (marker.reserved === true) ignoring(['ENOENT'], () => this.#reserve?.giveBack(marker.path), undefined);
    removeMarker(marker.path);
    mine.delete(marker.path);
  }

  /** The marker has become something else by a rename: it is no longer ours to remove. */
  forget(marker: OwnMarker): void {
    mine.delete(marker.path);
  }

  #who(): string {
    const own = ownIdentity();
    return `${String(own.pid)}.${own.pid_start}.${ownPidSpace()}.${nonce}${(count++).toString(36)}.${this.#verb}`;
  }

  #create(name: string): OwnMarker {
    const file = path.join(this.folder, name);
    const fd = fs.openSync(file, 'wx', 0o600);
    removeAtExit(file);
    return { name, path: file, fd };
  }
}

export function closeMarker(marker: OwnMarker): void {
  if (marker.fd !== undefined) fs.closeSync(marker.fd);
  marker.fd = undefined;
}

import fs from 'node:fs';
import { HeadjackError, errnoOf } from '../../errors.ts';
import { ownIdentity } from '../../process/identity.ts';
import { fsyncFolder } from '../../process/files.ts';
import { sleep } from '../../process/sleep.ts';
import { Blockers, judgeMarker } from './blockers.ts';
import { createGate, type Gate } from './gate.ts';
import {
  closeMarker,
  MarkerFolder,
  type LockKind,
  type LockView,
  type Marker,
  type OwnMarker,
} from './markers.ts';
import { QueuePace } from './queue-pace.ts';
import { writeInPlace, type Reserve } from './reserve.ts';

/** The whole acquisition, queueing included. */
const LOCK_TIMEOUT_MS = 5000;
/** A head of the queue that leaves a free lock lying this long is passed over: order is a courtesy. */
const BYPASS_MS = 250;

/** Whether this process found others at the lock when it last came: then it looks before it flags, to disturb nobody. */
let metOthers = false;

/** Thrown inside the store only: the marker was taken away while this process was suspended. */
export class LockLost extends Error {}

/**
 * Shared and exclusive locks on one file. Why they are safe, whatever the gate, the clocks or the judgement of who is alive do:
 *
 * - flag, then look: everybody creates the own marker first and looks at the others' afterwards, so of two conflicting parties
 *   at least one sees the other and steps back;
 * - fence: commit is `rename(own marker, file)`, one atomic call that publishes and releases. Whoever takes a lock over unlinks
 *   the old marker first, so the rename of a writer that wakes up late fails and its update runs again on fresh data.
 */
export class CatalogLock {
  readonly #file: string;
  readonly #markers: MarkerFolder;
  readonly #blockers: Blockers;
  readonly #reserve: Reserve | undefined;
  #gate: Gate | undefined;
  #useReserve = false;

  /** `file` is the real path: two names of one file must be one lock. */
  constructor(file: string, verb: string, reserve?: Reserve) {
    this.#file = file;
    this.#reserve = reserve;
    this.#markers = new MarkerFolder(file, verb, reserve);
    this.#blockers = new Blockers(this.#markers);
  }

  /** From now on writers are made of the blocks that are set aside: the disk is full. */
  useReserve(): void {
    this.#useReserve = true;
  }

  #flagWriter(): OwnMarker | undefined {
    return this.#gate?.pass(() =>
      this.#useReserve ? this.#markers.flagReserved() : this.#markers.flag('w'),
    );
  }

  async acquireShared(): Promise<OwnMarker> {
    const marker = this.#enterFree('r') ?? (await this.#acquire('r'));
    closeMarker(marker);
    return marker;
  }

  async acquireExclusive(): Promise<OwnMarker> {
    this.#gate ??= createGate(this.#file, (await import('proper-lockfile')).default.lockSync);
    return this.#enterFree('w') ?? this.#acquire('w');
  }

  /** The usual case, nobody there: flag, look once, done. A process that met others last time looks first. */
  #enterFree(kind: LockKind): OwnMarker | undefined {
    if (metOthers) {
      metOthers = false;
      return undefined;
    }
    const marker = kind === 'r' ? this.#markers.flag('r') : this.#flagWriter();
    if (marker === undefined) return undefined;
    const { readers, writers, queue } = this.#markers.look();
    const own = kind === 'w' ? 1 : 0;
    if (writers.length === own && queue.length === 0 && (kind === 'r' || readers.length === 0)) return marker;
    this.#markers.drop(marker);
    metOthers = true;
    return undefined;
  }

  release(marker: OwnMarker): void {
    this.#markers.drop(marker);
  }

  /** Publishes `text` as the file and releases the exclusive lock. @throws LockLost where it was taken over meanwhile */
  commit(marker: OwnMarker, text: string): void {
    try {
      if (marker.fd === undefined) throw new LockLost();
      if (marker.reserved !== true) fs.writeFileSync(marker.fd, text);
      else if (!writeInPlace(marker.fd, text))
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      fs.fsyncSync(marker.fd);
      closeMarker(marker);
      if (marker.reserved === true) this.#reserve?.keepOld(this.#file);
      fs.renameSync(marker.path, this.#file);
      this.#markers.forget(marker);
    } catch (error) {
      this.#markers.drop(marker);
      if (errnoOf(error) === 'ENOENT') throw new LockLost();
      throw error;
    }
    fsyncFolder(this.#markers.folder);
    if (marker.reserved !== true) this.#reserve?.keep(Buffer.byteLength(text));
  }

  async #acquire(kind: LockKind): Promise<OwnMarker> {
    const deadline = performance.now() + LOCK_TIMEOUT_MS;
    const pace = new QueuePace();
    let ticket: OwnMarker | undefined;
    let freeSince = 0;
    try {
      for (;;) {
        const view = this.#markers.look();
        if (ticket !== undefined && !view.queue.some(m => m.name === ticket?.name)) {
          this.#markers.drop(ticket); // somebody took us for dead: back to the end of the queue
          ticket = undefined;
        }
        const writer = view.writers.find(m => this.#blockers.blocks(m));
        const now = performance.now();
        freeSince = writer !== undefined || view.readers.length > 0 ? 0 : freeSince === 0 ? now : freeSince;
        const ahead = this.#ahead(view, kind, ticket?.name, { now, freeSince });
        let block = ahead.at(-1) ?? writer;
        if (block === undefined) {
          const entered = await this.#enter(kind, deadline, pace);
          if (entered !== undefined && 'marker' in entered) return entered.marker;
          block = entered?.block;
        }
        ticket ??= this.#markers.takeTicket(kind);
        metOthers = true;
        if (block !== undefined) await this.#pause(block, { place: ahead.length, deadline, kind, pace });
        else if (now > deadline) throw this.#timedOut(kind);
        else await sleep(1);
      }
    } finally {
      if (ticket !== undefined) this.#markers.drop(ticket);
    }
  }

  /** Those before us in the queue that we must let go first. Readers do not wait for readers. */
  #ahead(
    view: LockView,
    kind: LockKind,
    own: string | undefined,
    at: { now: number; freeSince: number },
  ): Marker[] {
    const ahead: Marker[] = [];
    for (const marker of view.queue) {
      if (marker.name === own) break;
      if (kind === 'w' || marker.wants === 'w') ahead.push(marker);
    }
    for (let first = ahead[0]; first !== undefined; first = ahead[0]) {
      const lying =
        at.freeSince === 0 ? 0 : at.now - Math.max(at.freeSince, this.#blockers.watchedSince(first));
      if (this.#blockers.blocks(first) && lying <= BYPASS_MS) break;
      ahead.shift();
    }
    return ahead;
  }

  /** Flag, then look. Gives the lock, or who is in the way, or undefined where the gate was busy. */
  async #enter(
    kind: LockKind,
    deadline: number,
    pace: QueuePace,
  ): Promise<{ marker: OwnMarker } | { block: Marker } | undefined> {
    const marker = kind === 'r' ? this.#markers.flag('r') : this.#flagWriter();
    if (marker === undefined) return undefined;
    try {
      const view = this.#markers.look();
      const block = view.writers.find(m => m.name !== marker.name);
      if (block !== undefined) {
        this.#markers.drop(marker);
        return { block };
      }
      if (kind === 'w') {
        for (const reader of view.readers) {
          if (this.#blockers.blocks(reader)) await this.#pause(reader, { place: 0, deadline, kind, pace });
        }
      }
      return { marker };
    } catch (error) {
      this.#markers.drop(marker);
      throw error;
    }
  }

  /** Waits until `blocker` is gone, or, further back in the queue, for most of the time that its places will take. */
  async #pause(
    blocker: Marker,
    wait: { place: number; deadline: number; kind: LockKind; pace: QueuePace },
  ): Promise<void> {
    wait.pace.stand(wait.place);
    const file = this.#markers.pathOf(blocker);
    for (let round = 0; ; round++) {
      const left = wait.deadline - performance.now();
      if (left < 0) throw this.#timedOut(wait.kind);
      if (wait.place > 1) {
        await sleep(Math.min(left + 1, wait.pace.restMs(wait.place)));
        return;
      }
      await wait.pace.nap(round);
      if (!fs.existsSync(file) || !this.#blockers.blocks(blocker)) return;
    }
  }

  #timedOut(kind: LockKind): HeadjackError {
    const view = this.#markers.look();
    const own = ownIdentity().pid;
    const holders = [...view.writers, ...view.readers, ...view.queue.slice(0, 1)]
      .filter(m => m.pid !== own)
      .map(m => {
        let since: string | undefined;
        try {
          since = fs.statSync(this.#markers.pathOf(m)).ctime.toISOString();
        } catch {
          // gone meanwhile
        }
        const mode = m.kind === 'w' ? 'writing' : m.kind === 'r' ? 'reading' : 'first in the queue';
        return { pid: m.pid, verb: m.verb, mode, since, state: judgeMarker(m) };
      });
    const who = holders
      .map(
        h =>
          `pid ${String(h.pid)} (hjk ${h.verb}, ${h.mode}${h.since === undefined ? '' : ` since ${h.since}`}, ${h.state})`,
      )
      .join('; ');
    const held = who === '' ? (this.#gate?.trouble() ?? 'others, one after the other') : who;
    const word = kind === 'w' ? 'exclusive' : 'shared';
    return new HeadjackError(
      'lock_timeout',
      `the ${word} lock on ${this.#file} is not free after 5 s: held by ${held}`,
      {
        hint: holders[0] === undefined ? 'try again' : `look at the holder: ps -fp ${String(holders[0].pid)}`,
        details: { file: this.#file, holders },
      },
    );
  }
}

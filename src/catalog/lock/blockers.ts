import { judgePid, ownPidSpace, type Liveness } from '../../process/identity.ts';
import { removeMarker, type Marker, type MarkerFolder } from './markers.ts';

/** After how many ms of watching which kind of holder is passed over. */
const patience = {
  /** A marker is looked into only once it was seen that long: nearly all are gone by then. */
  graceMs: 25,
  probeMs: 50,
  stoppedMs: 500,
  /** A holder in another pid namespace cannot be judged. */
  foreignMs: 3000,
} as const;

export function judgeMarker(marker: Marker): Liveness {
  if (marker.space !== ownPidSpace()) return 'foreign';
  return judgePid(marker.pid, marker.start);
}

/** Watches the markers that are in our way and removes those whose process is dead, or suspended for too long. */
export class Blockers {
  readonly #folder: MarkerFolder;
  readonly #seen = new Map<string, { since: number; next: number }>();

  constructor(folder: MarkerFolder) {
    this.#folder = folder;
  }

  /** Since when (performance.now) we have seen this marker. */
  watchedSince(marker: Marker): number {
    return this.#watch(marker).since;
  }

  /**
   * Whether the marker is still in the way. Removing one whose owner lives after all is harmless: its commit is the rename of
   * that very file, which then fails, and its update runs again.
   */
  blocks(marker: Marker): boolean {
    const now = performance.now();
    const watch = this.#watch(marker);
    if (now < watch.next) return true;
    watch.next = now + patience.probeMs;
    const state = judgeMarker(marker);
    const watched = now - watch.since;
    const passed =
      state === 'dead' ||
      (state === 'stopped' && watched >= patience.stoppedMs) ||
      (state === 'foreign' && watched >= patience.foreignMs);
    if (!passed) return true;
    removeMarker(this.#folder.pathOf(marker));
    this.#seen.delete(marker.name);
    return false;
  }

  #watch(marker: Marker): { since: number; next: number } {
    let watch = this.#seen.get(marker.name);
    if (watch === undefined) {
      const now = performance.now();
      watch = { since: now, next: now + patience.graceMs };
      this.#seen.set(marker.name, watch);
    }
    return watch;
  }
}

import { sleep } from '../../process/sleep.ts';

const doorbell = new Int32Array(new SharedArrayBuffer(4));
const LONGEST_REST_MS = 100;

/** How long to sleep in the queue: learned from how fast it moves. At its head the blocker is watched closely instead. */
export class QueuePace {
  #place = -1;
  #since = 0;
  #msPerPlace = 1.5;

  /** Notes that we now stand at `place` (0 is next). */
  stand(place: number): void {
    const now = performance.now();
    if (this.#place > place)
      this.#msPerPlace = 0.5 * this.#msPerPlace + (0.5 * (now - this.#since)) / (this.#place - place);
    if (this.#place !== place) {
      this.#place = place;
      this.#since = now;
    }
  }

  restMs(place: number): number {
    return Math.min(LONGEST_REST_MS, Math.max(1, 0.6 * (place - 1) * this.#msPerPlace));
  }

  /** Half a millisecond at first, without giving the thread back (a timer has no such resolution); later two. */
  async nap(round: number): Promise<void> {
    if (round >= 40) await sleep(2);
    else {
      Atomics.wait(doorbell, 0, 0, 0.5);
      if (round % 8 === 7) await sleep(0);
    }
  }
}

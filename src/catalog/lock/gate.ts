import fs from 'node:fs';
import type lockfile from 'proper-lockfile';
import { errnoOf, isFull } from '../../errors.ts';

type LockSync = typeof lockfile.lockSync;

/** A gate older than this was left by a process that was killed inside it: it is held for a fraction of a millisecond. */
export const STALE_MS = 300;

export function gateOf(file: string): string {
  return `${file}.lock`;
}

/** Whether somebody was killed in it. @throws ENOENT where there is none */
export function isStaleGate(file: string): boolean {
  return Math.abs(Date.now() - fs.statSync(gateOf(file)).ctimeMs) > STALE_MS;
}

export interface Gate {
  /** Runs `inside` while holding the gate, or gives undefined where somebody else does. */
  pass<T>(inside: () => T): T | undefined;
  /** Why the gate cannot be had at all, for the time-out's message. */
  trouble(): string | undefined;
}

/**
 * The gate lets writers register one at a time. It is proper-lockfile's lock, held only while a marker is created; its stale
 * take-over races, so nothing relies on it for safety: the markers decide.
 */
export function createGate(file: string, lockSync: LockSync): Gate {
  const lockfilePath = gateOf(file);
  let trouble: string | undefined;
  const enter = (): (() => void) | undefined => {
    try {
      return lockSync(file, {
        realpath: false,
        lockfilePath,
        stale: 2000,
        retries: 0,
        onCompromised: () => undefined,
      });
    } catch (error) {
      // a folder takes a block that a full disk has not; the markers decide anyway
      if (isFull(error)) return () => undefined;
      // ENOENT: our own gate was broken by somebody who took it for a left-over while we stood in it
      if (!['ELOCKED', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error;
      breakStale();
      return undefined;
    }
  };
  const breakStale = (): void => {
    try {
      if (isStaleGate(file)) fs.rmdirSync(lockfilePath);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT')
        trouble = `${lockfilePath} is in the way and cannot be removed (${errnoOf(error) ?? 'unknown'})`;
    }
  };
  return {
    pass(inside) {
      const leave = enter();
      if (leave === undefined) return undefined;
      try {
        return inside();
      } finally {
        try {
          leave();
        } catch {
          // broken by another process: it is gone, which is what we wanted
        }
      }
    },
    trouble: () => trouble,
  };
}

import path from 'node:path';
import { isAtOrBelow } from '../core/place.ts';
import type { Inside } from './run-options.ts';

export interface ComposePlace extends Inside {
  /** What relative paths start from. */
  readonly base: string;
  /** Of the names that compose makes up: what is called so is the project's own. */
  readonly project: string;
}

/** A file that this machine's compose reads: it has to be in the worktree. */
export function fileReach(
  what: string,
  given: unknown,
  place: ComposePlace,
  shown = String(given),
): string[] {
  if (typeof given !== 'string')
    return itemsOf(given).flatMap(item => (typeof item === 'string' ? fileReach(what, item, place) : []));
  if (path.posix.isAbsolute(shown) && what === 'Dockerfile')
    return isWithin(shown, place) ? [] : [`${what} ${shown}: outside the worktree`];
  return isWithin(path.posix.resolve('/', placeOf(given, place)), place)
    ? []
    : [`${what} ${shown}: outside the worktree`];
}

export function placeOf(given: string, { base }: ComposePlace): string {
  return path.posix.isAbsolute(given) ? given : path.posix.join(base, given);
}

function isWithin(place: string, { worktree }: ComposePlace): boolean {
  return isAtOrBelow(place, path.posix.resolve('/', worktree));
}

export function itemsOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : value === undefined ? [] : [value];
}

export function textItems(value: unknown): string[] {
  return itemsOf(value).filter((item): item is string => typeof item === 'string');
}

import path from 'node:path';
import { isAtOrBelow } from '../core/place.ts';
import { realPathOf } from '../process/files.ts';
import type { BindMount } from './port.ts';

/** A further mount of what an instance has, made as harmless as the first. */
export interface ProtectedMount {
  /** It has to be read-only, as all of it is where the instance has it. */
  readonly readOnly: boolean;
  /** What goes over parts of it. */
  readonly masks: readonly BindMount[];
}

/**
 * What an instance has read-only at its own place (a worktree's `.git` file for one, which leads git to what it runs) is no more writable
 * where a folder with it, or of it, is mounted once more.
 * @param own the mounts that every instance has, each at its own host path
 */
export function protectMount(mount: BindMount, own: readonly BindMount[]): ProtectedMount {
  if (mount.readOnly) return { readOnly: true, masks: [] };
  const source = realPathOf(mount.source);
  const around = own
    .filter(({ target }) => isAtOrBelow(source, target))
    .sort((a, b) => b.target.length - a.target.length)[0];
  if (around?.readOnly === true) return { readOnly: true, masks: [] };
  const masks = own
    .filter(({ target, readOnly }) => readOnly && isAtOrBelow(target, source))
    .map(mask => ({
      ...mask,
      target: path.posix.join(mount.target, path.posix.relative(source, mask.target)),
    }));
  return { readOnly: false, masks };
}

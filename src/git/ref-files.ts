import path from 'node:path';
import { realPathOf } from '../process/files.ts';

/**
 * A link in the place of a branch's ref, its reflog or a folder of theirs, which a program of a container that shares the git
 * directory may have put there: git would follow it, and write or delete what it leads to.
 */
export function findRefLink(commonDir: string, branch: string): string | undefined {
  const real = realPathOf(commonDir);
  return ['refs', 'logs/refs']
    .map(kind => path.join(real, kind, 'heads', branch))
    .find(file => realPathOf(file) !== file);
}

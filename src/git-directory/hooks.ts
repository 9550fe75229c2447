import fs from 'node:fs';
import path from 'node:path';
import type { Repository } from '../core/repository.ts';
import type { ScopedSetting } from '../git/scoped-config.ts';
import { listFolder, realPathOf } from '../process/files.ts';

/**
 * The user's hooks: those of the repository, or of the folder that the user's own configuration names. A folder that the repository's
 * names is not taken: programs in a container of an older kind may have written it.
 */
export function findHooks({ commonDir }: Repository, settings: readonly ScopedSetting[]): string[] {
  const named = settings.findLast(({ scope, key }) => key === 'core.hookspath' && scope !== 'command');
  if (named?.scope === 'local' || named?.scope === 'worktree') return [];
  const folder = realPathOf(
    named !== undefined && path.isAbsolute(named.value) ? named.value : path.join(commonDir, 'hooks'),
  );
  return listFolder(folder)
    .filter(name => !name.endsWith('.sample'))
    .map(name => path.join(folder, name))
    .filter(hook => {
      const stat = fs.lstatSync(hook, { throwIfNoEntry: false });
      return stat?.isFile() === true && (stat.mode & 0o111) !== 0;
    });
}

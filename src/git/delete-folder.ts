import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError, errnoOf } from '../errors.ts';
import { findMount } from '../process/mounts.ts';

/**
 * Removes a folder with everything in it. Links are not followed; folders without write permission are opened first. The `.git`
 * of the folder goes last: what a killed deletion leaves can still be told from a stranger's.
 * @throws HeadjackError worktree_nested where something is mounted at or below it, command_failed where somebody else owns what is in it
 */
export function deleteFolder(folder: string): void {
  const mount = findMount(folder);
  if (mount !== undefined)
    throw new HeadjackError('worktree_nested', `${mount} is a mount point: nothing is deleted there`, {
      hint: `unmount it: umount ${mount}`,
    });
  const remove = (): void => {
    for (const name of fs.existsSync(folder) ? fs.readdirSync(folder, { encoding: 'buffer' }) : [])
      if (name.toString('latin1') !== '.git')
        fs.rmSync(Buffer.concat([Buffer.from(`${folder}/`), name]), {
          recursive: true,
          force: true,
        });
    fs.rmSync(folder, { recursive: true, force: true });
  };
  try {
    remove();
  } catch {
    try {
      makeWritable(folder);
      remove();
    } catch (error) {
      throw new HeadjackError(
        'command_failed',
        `${folder} cannot be removed (${errnoOf(error) ?? 'unknown'})`,
        {
          hint: `take over what is in it, then try again: sudo chown -R "$(id -u)" ${folder}`,
          cause: error,
        },
      );
    }
  }
}

function makeWritable(folder: string): void {
  const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return;
  if ((stat.mode & 0o700) !== 0o700) fs.chmodSync(folder, 0o700);
  for (const name of fs.readdirSync(folder)) makeWritable(path.join(folder, name));
}

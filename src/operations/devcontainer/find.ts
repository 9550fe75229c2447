import fs from 'node:fs';
import {
  collectContent,
  readWorktree,
  type DevcontainerContent,
  type ReadBranch,
} from '../../devcontainer/branch-files.ts';
import { configPlaces, parseDevcontainer, type DevcontainerConfig } from '../../devcontainer/config.ts';
import { HeadjackError } from '../../errors.ts';
import type { RepositoryGit } from '../services.ts';

/** A branch's devcontainer.json. */
export interface Devcontainer {
  readonly config: DevcontainerConfig;
  readonly content: DevcontainerContent;
}

/** The devcontainer.json of a branch with all that it names, or undefined where it has none. @throws HeadjackError devcontainer_invalid */
export async function findDevcontainer(read: ReadBranch): Promise<Devcontainer | undefined> {
  const found = await read(configPlaces);
  const file = configPlaces.flatMap(place => found.find(f => f.path === place) ?? [])[0];
  if (file === undefined) return undefined;
  if (file.link)
    throw new HeadjackError('devcontainer_invalid', `${file.path} of the branch is a link`, {
      hint: 'put the file itself there, or do without it: --image <ref>',
    });
  const config = parseDevcontainer(file.content.toString('utf8'), file.path);
  return { config, content: await collectContent(file.path, config, read) };
}

/** Files of a branch: as they are in its worktree, where it has one, else as its commit has them. */
export function branchReader(git: RepositoryGit, worktree: string | undefined, commit: string): ReadBranch {
  return worktree !== undefined && fs.existsSync(worktree)
    ? readWorktree(worktree)
    : paths => git.readFiles(commit, paths);
}

import path from 'node:path';

/** Where a container has its own git directory. Nothing is there on the host: what leads to it from a worktree leads nowhere. */
export const GIT_DIRECTORY_INSIDE = '/run/headjack/git';

/** What an instance with a git directory of its own has of it on the host. Programs inside write the directory alone. */
export interface GitDirectoryPlaces {
  readonly directory: string;
  /** What lies over `.git` of the worktree inside. */
  readonly gitFile: string;
  /** What the bridge knows of both sides. */
  readonly bridge: string;
}

export function gitDirectoryPlaces(instanceFolder: string): GitDirectoryPlaces {
  return {
    directory: path.join(instanceFolder, 'git'),
    gitFile: path.join(instanceFolder, 'git.gitfile'),
    bridge: path.join(instanceFolder, 'bridge.json'),
  };
}

import type { Kind } from '../attack.ts';
import { devcontainers } from './devcontainers.ts';
import { brokenGitDirectory, gitDirectory, linksInGitDirectory } from './git-directory.ts';
import { mounts } from './mounts.ts';
import { files, names } from './names.ts';
import { nestedRepositories } from './nested.ts';
import { otherUsers } from './others.ts';
import { floods, sessions } from './sessions.ts';

export const kinds: readonly Kind[] = [
  linksInGitDirectory,
  gitDirectory,
  brokenGitDirectory,
  nestedRepositories,
  mounts,
  names,
  files,
  devcontainers,
  sessions,
  floods,
  otherUsers,
];

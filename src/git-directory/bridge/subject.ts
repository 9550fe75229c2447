import type { HostGit } from './host-git.ts';
import type { Inside } from './inside.ts';

/** One instance, as the bridge sees it. */
export interface BridgeSubject {
  readonly instanceId: string;
  readonly branch: string;
  /** The container's own git directory, on the host: lstat is all that is ever done in it. */
  readonly directory: string;
  /** The host's metadata of the worktree; undefined where git knows it no more. */
  readonly metadata: string | undefined;
  /** `bridge.json`. */
  readonly stateFile: string;
  readonly git: HostGit;
  readonly inside: Inside;
}

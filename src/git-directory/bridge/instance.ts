import type { ContainerExec } from '../../container/port.ts';
import { findMetadata } from '../../git/metadata.ts';
import { GIT_DIRECTORY_INSIDE, gitDirectoryPlaces } from '../places.ts';
import { openHostGit } from './host-git.ts';
import type { BridgeSubject } from './subject.ts';

/** What the bridge has to know of an instance and of who runs it. */
export interface BridgedInstance {
  readonly id: string;
  readonly branch: string;
  readonly commonDir: string;
  /** Its real path: that is where it is inside. */
  readonly worktree: string;
  /** `<state root>/instances/<id>`. */
  readonly folder: string;
  readonly container: string;
  readonly user: string | undefined;
  readonly home: string | undefined;
  readonly exec: ContainerExec;
  /** The caller's environment, for the host's git. */
  readonly env: NodeJS.ProcessEnv;
}

export function openSubject(instance: BridgedInstance): BridgeSubject {
  const places = gitDirectoryPlaces(instance.folder);
  return {
    instanceId: instance.id,
    branch: instance.branch,
    directory: places.directory,
    metadata: findMetadata(instance.commonDir, instance.worktree)?.folder,
    stateFile: places.bridge,
    git: openHostGit(instance.commonDir, instance.env),
    inside: {
      exec: instance.exec,
      container: instance.container,
      user: instance.user,
      env: instance.home === undefined ? [] : [`HOME=${instance.home}`],
      worktree: instance.worktree,
      directory: GIT_DIRECTORY_INSIDE,
    },
  };
}

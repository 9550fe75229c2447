import fs from 'node:fs';
import path from 'node:path';
import { realPathOf } from '../process/files.ts';
import { mountHostPaths, mountSshAgent, withoutRepeats, type SshAgent } from './host-mounts.ts';
import type { HostPaths } from './host-paths.ts';
import type { BindMount } from './port.ts';

/** What of the host an instance with a git directory of its own needs. Real paths on the host. */
export interface OwnMountPlan {
  readonly worktree: string;
  readonly commonDir: string;
  readonly hostPaths: HostPaths;
  readonly own: {
    readonly directory: string;
    readonly gitFile: string;
    /** Where the directory is inside. */
    readonly inside: string;
  };
  readonly sshAgent: SshAgent | undefined;
}

/**
 * The mounts of an instance with a git directory of its own: it and the worktree can be written, what it borrows cannot. The `.git` file
 * of the worktree, which leads the host's git to the host's metadata, is covered by one that leads to the container's own.
 */
export function planOwnMounts(plan: OwnMountPlan): BindMount[] {
  const { worktree, commonDir, own } = plan;
  const asIs = (place: string, readOnly: boolean): BindMount => ({ source: place, target: place, readOnly });
  return withoutRepeats([
    asIs(worktree, false),
    { source: own.gitFile, target: path.join(worktree, '.git'), readOnly: true },
    { source: own.directory, target: own.inside, readOnly: false },
    asIs(path.join(commonDir, 'objects'), true),
    ...largeFiles(commonDir).map(place => asIs(place, true)),
    ...mountHostPaths(plan.hostPaths),
    ...mountSshAgent(plan.sshAgent),
  ]);
}

/** Where Git LFS looks for what the repository whose objects are borrowed has. A link there could lead anywhere. */
function largeFiles(commonDir: string): string[] {
  const place = path.join(commonDir, 'lfs', 'objects');
  return fs.existsSync(place) && realPathOf(place) === place ? [place] : [];
}

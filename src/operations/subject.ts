import type { InstanceEntry } from '../catalog/types.ts';
import type { Repository } from '../core/repository.ts';
import type { WorktreeSubject } from '../git/look.ts';

/** An entry's worktree, for looking at it. */
export function subjectOf(
  entry: InstanceEntry,
  repository: Repository,
  options: {
    readonly deleteBranch?: boolean;
    readonly includeIgnored?: boolean;
    readonly going?: readonly string[];
  } = {},
): WorktreeSubject {
  return {
    instanceId: entry.id,
    commonDir: repository.commonDir,
    worktree: entry.worktree,
    branch: entry.branch,
    deleteBranch: options.deleteBranch ?? false,
    going: options.going ?? [],
    includeIgnored: options.includeIgnored ?? false,
  };
}

import { HeadjackError } from '../errors.ts';
import { printable } from '../core/printable.ts';
import { findObject, type Plumbing } from './plumbing.ts';
import type { StoredSnapshot } from './snapshot-list.ts';

/** Where HEAD of the restored worktree goes. */
export interface RestorePlan {
  /** The branch of the instance. */
  readonly branch: string;
  /** Undefined: detached. */
  readonly headRef: string | undefined;
  /** Branches that are to be made: ref → commit. */
  readonly create: ReadonlyMap<string, string>;
}

/**
 * Decides which branches have to be made. A branch that has moved on since is never moved back.
 * @throws HeadjackError branch_moved
 */
export async function planRestore(
  git: Plumbing,
  snapshot: StoredSnapshot,
  as: string | undefined,
): Promise<RestorePlan> {
  const { message } = snapshot;
  const branch = as ?? message.branch;
  const create = new Map<string, string>();
  const need = async (ref: string, commit: string | null): Promise<void> => {
    const now = await findObject(git, `${ref}^{commit}`);
    if (commit === null ? now === undefined : now === commit) return;
    if (now === undefined && commit !== null) {
      create.set(ref, commit);
      return;
    }
    throw new HeadjackError(
      'branch_moved',
      `branch "${printable(ref.replace('refs/heads/', ''))}" is at another commit than when the snapshot was stored`,
      {
        hint: `restore it under another name: hjk restore ${snapshot.id} --as <branch>`,
        details: { ref, now, stored: commit },
      },
    );
  };
  const own = `refs/heads/${branch}`;
  if (as !== undefined && as !== message.branch) {
    await need(own, message.head ?? message.branch_tip);
    return { branch, headRef: message.detached ? undefined : own, create };
  }
  const headRef = message.detached ? undefined : (message.head_ref ?? own);
  if (headRef !== undefined) await need(headRef, message.head);
  if (headRef !== own && message.branch_tip !== null && (await findObject(git, own)) === undefined)
    create.set(own, message.branch_tip);
  return { branch, headRef, create };
}

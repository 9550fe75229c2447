/** Where a branch is on both sides, and where both were when they last agreed. Undefined: it is not there. */
export interface Tips {
  readonly host: string | undefined;
  readonly inside: string | undefined;
  readonly carried: string | undefined;
}

export type Decision =
  /** Nothing to do, and `carried` is right. */
  | 'level'
  /** Both are at one commit that is not `carried`. */
  | 'agreed'
  /** The host follows the container. */
  | 'out'
  /** The container follows the host. */
  | 'in'
  /** Both moved, each its own way: nothing is moved. */
  | 'both-moved'
  /** Deleted on one side: the other keeps what it has. */
  | 'gone-on-host'
  | 'gone-inside';

/** Whether the first commit is the second one, or an ancestor of it. */
export type Contains<Answer> = (ancestor: string, descendant: string) => Answer;

/**
 * What is to be done with the instance's branch. A side that did not move follows the other one wherever that went, also back
 * (amend, rebase). Where both moved, one follows only if the other holds all of it: it went on from `carried`, and the other went
 * on from there.
 */
export function decide(tips: Tips, contains: Contains<boolean>): Decision {
  const { host, inside, carried } = tips;
  if (inside === undefined) return 'gone-inside';
  if (host === undefined) return 'gone-on-host';
  if (host === inside) return host === carried ? 'level' : 'agreed';
  if (host === carried) return 'out';
  if (inside === carried) return 'in';
  const wentOn = (tip: string): boolean => carried === undefined || contains(carried, tip);
  if (wentOn(host) && contains(host, inside)) return 'out';
  if (wentOn(inside) && contains(inside, host)) return 'in';
  return 'both-moved';
}

import type { Tips } from './decide.ts';
import type { BridgeProblem } from './state.ts';

/** Problems that go away by themselves: the next pass tries again. */
export const waiting: ReadonlySet<BridgeProblem> = new Set([
  'host-locked',
  'inside-locked',
  'host-unfinished',
  'inside-unfinished',
  'checked-out-elsewhere',
]);

/** For people: what keeps the two sides from agreeing. */
export function describeProblem(kind: BridgeProblem, branch: string, tips?: Tips): string {
  const at = (tip: string | undefined): string => (tip ?? 'none').slice(0, 10);
  switch (kind) {
    case 'both-moved':
      return `branch "${branch}" moved on both sides (here ${at(tips?.host)}, inside ${at(tips?.inside)}); both are kept`;
    case 'gone-on-host':
      return `branch "${branch}" was deleted here; inside it is at ${at(tips?.inside)}`;
    case 'gone-inside':
      return `branch "${branch}" was deleted inside; here it is at ${at(tips?.host)}`;
    case 'host-locked':
      return `a git works in the worktree here (index.lock), so branch "${branch}" is not moved`;
    case 'inside-locked':
      return `a git works in the worktree inside (index.lock), so branch "${branch}" is not moved there`;
    case 'host-unfinished':
      return `a merge, rebase or the like is under way here, so branch "${branch}" is not moved`;
    case 'inside-unfinished':
      return `a merge, rebase or the like is under way inside, so branch "${branch}" is not moved there`;
    case 'checked-out-elsewhere':
      return `branch "${branch}" is checked out in another worktree, so it is not moved`;
    case 'gitlink':
    case 'refused':
      return `what was committed inside on branch "${branch}" cannot be taken`;
  }
}

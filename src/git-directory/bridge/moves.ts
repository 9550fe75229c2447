import { findUnfinished } from '../../git/unfinished.ts';
import { HeadjackError } from '../../errors.ts';
import { findOtherCheckout, headOf } from './host-refs.ts';
import { lockIndex, releaseLeftLock, type LockedIndex } from './host-index.ts';
import { askInside, HostileAnswer, Lines } from './inside.ts';
import { asBytes, markRef } from './names.ts';
import type { BridgeProblem, PendingMove } from './state.ts';
import type { BridgeSubject } from './subject.ts';

/** What became of a move: made, not possible now, or overtaken by another one of that side. */
export type Moved = 'moved' | 'raced' | BridgeProblem;

/**
 * The host's branch follows the container's: the index is locked, the move announced, the branch compared and swapped together with
 * its mark, the index put in place.
 */
export async function moveHost(
  subject: BridgeSubject,
  move: PendingMove,
  announce: () => void,
): Promise<Moved> {
  const { git, metadata } = subject;
  const ref = `refs/heads/${subject.branch}`;
  if (findOtherCheckout(git.commonDir, metadata, ref) !== undefined) return 'checked-out-elsewhere';
  let index: LockedIndex | undefined;
  if (metadata !== undefined) {
    if (findUnfinished(metadata).length > 0) return 'host-unfinished';
    if (headOf(metadata) === ref) {
      index = await lockIndex(git, metadata);
      if (index === undefined) return 'host-locked';
    }
  }
  try {
    await index?.prepare(move.from, move.to);
    announce();
    const marks = await git.text(['for-each-ref', '--format=%(refname)', markRef(subject.instanceId, '')]);
    const lines = [
      'start',
      `update ${asBytes(ref)} ${move.to} ${move.from}`,
      `create ${markRef(subject.instanceId, move.mark)} ${move.to}`,
      ...marks
        .split('\n')
        .filter(name => name !== '')
        .map(name => `delete ${name}`),
      'prepare',
      'commit',
      '',
    ].join('\n');
    const reason = `headjack: from ${subject.instanceId}`;
    const ran = await git.try(['update-ref', '--create-reflog', '-m', reason, '--stdin'], { input: lines });
    if (ran.code !== 0) {
      index?.release();
      return 'raced';
    }
    index?.commit();
    return 'moved';
  } catch (error) {
    index?.release();
    throw error;
  }
}

/** The container's branch follows the host's, by one program inside that does the same there. */
export async function moveInside(
  subject: BridgeSubject,
  move: PendingMove,
  announce: () => void,
): Promise<Moved> {
  announce();
  const said = await say(subject, 'move', [move.from, move.to, move.mark]);
  if (said === 'moved' || said === 'raced') return said;
  return said === 'unfinished' ? 'inside-unfinished' : said === 'locked' ? 'inside-locked' : 'refused';
}

/**
 * Settles a move that a killed bridge announced. Gives whether it was made, with the index right; undefined where that has to wait.
 * One that was not made can never be made any more: its mark is taken.
 */
export async function settleMove(
  subject: BridgeSubject,
  pending: PendingMove,
): Promise<'made' | 'not-made' | BridgeProblem> {
  return pending.side === 'host' ? settleOnHost(subject, pending) : settleInside(subject, pending);
}

async function settleOnHost(
  subject: BridgeSubject,
  pending: PendingMove,
): Promise<'made' | 'not-made' | BridgeProblem> {
  const { git, metadata } = subject;
  const mark = markRef(subject.instanceId, pending.mark);
  const zero = '0'.repeat(pending.from.length);
  await git.try(['update-ref', mark, pending.from, zero]);
  const found = (await git.text(['rev-parse', '--verify', mark])).trim();
  if (found !== pending.to) {
    if (metadata !== undefined) releaseLeftLock(metadata);
    return 'not-made';
  }
  const ref = `refs/heads/${subject.branch}`;
  if (metadata === undefined || headOf(metadata) !== ref) {
    if (metadata !== undefined) releaseLeftLock(metadata);
    return 'made';
  }
  const index = await lockIndex(git, metadata);
  if (index === undefined) return 'host-locked';
  const tip = (await git.try(['rev-parse', '--verify', '--quiet', ref])).stdout.toString('latin1').trim();
  if (tip === '') index.release();
  else {
    try {
      await index.prepare(pending.from, tip);
    } catch (error) {
      index.release();
      throw error;
    }
    index.commit();
  }
  return 'made';
}

async function settleInside(
  subject: BridgeSubject,
  pending: PendingMove,
): Promise<'made' | 'not-made' | BridgeProblem> {
  const found = await say(subject, 'revoke', [pending.from, pending.mark]);
  if (found !== pending.to) return 'not-made';
  const said = await say(subject, 'repair', [pending.from]);
  return said === 'locked' ? 'inside-locked' : 'made';
}

/** Gives the branch inside the name that it has on the host. @throws HeadjackError busy, branch_moved */
export async function renameInside(subject: BridgeSubject, before: string): Promise<void> {
  const { branch } = subject;
  const said = await say(subject, 'rename', [branch], before);
  if (said === 'locked')
    throw new HeadjackError('busy', `a git works in the container of "${branch}": HEAD.lock exists`, {
      hint: 'wait for it; if no git runs inside, remove /run/headjack/git/HEAD.lock there',
    });
  if (said !== 'renamed' && said !== 'gone')
    throw new HeadjackError('branch_moved', `inside, there is another branch "${branch}"`, {
      hint: `rename it there: hjk exec ${branch} --no-mux git branch -m ${branch} <name>`,
    });
}

/** One word from inside. */
async function say(
  subject: BridgeSubject,
  mode: 'move' | 'revoke' | 'repair' | 'rename',
  words: readonly string[],
  branch = subject.branch,
): Promise<string> {
  const { inside } = subject;
  const answer = new Lines(await askInside(inside, [mode, inside.directory, branch, ...words]));
  try {
    return await answer.next(200);
  } catch (error) {
    if (!(error instanceof HostileAnswer)) throw error;
    throw new HeadjackError('git_failed', `the git inside the container of "${branch}" does not answer`, {
      hint: 'look at it: hjk exec <branch> --no-mux git status',
      cause: error,
    });
  } finally {
    await answer.close();
  }
}

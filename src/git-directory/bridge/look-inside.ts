import { NewLinks, keepTip, refuseLinks } from './arrive.ts';
import { readRefs, type InsideRefs } from './answer.ts';
import { askInside, HostileAnswer, Lines } from './inside.ts';
import { findNewLinks, receivePack, Refused, requireConnected } from './receive.ts';
import type { BridgeState } from './state.ts';
import type { BridgeSubject } from './subject.ts';

export interface InsideLook extends InsideRefs {
  /** Why the tip cannot come out. */
  readonly problem: BridgeState['problem'];
}

/**
 * Asks the container's git where its branch is. What the host lacks of it comes out with the answer, is checked, and is kept under
 * `refs/headjack/instances/` whatever becomes of the branch: from here on it cannot be lost.
 */
export async function lookInside(
  subject: BridgeSubject,
  known: {
    readonly carried: string | null;
    /** Where the branch is on the host, told as `refs/remotes/host/<branch>`. */
    readonly host: string | undefined;
    readonly hexLength: number;
    readonly all: boolean;
    readonly allowLinks: boolean;
  },
): Promise<InsideLook> {
  const { inside, git } = subject;
  const { carried } = known;
  const words = [
    'look',
    inside.directory,
    subject.branch,
    carried ?? '-',
    known.all ? 'all' : 'some',
    known.host ?? '-',
  ];
  const answer = new Lines(await askInside(inside, words));
  let refs: InsideRefs = { tip: undefined, head: undefined, refs: new Map() };
  try {
    refs = await readRefs(answer, known.hexLength);
    const { tip } = refs;
    if (tip === undefined || tip === carried) return { ...refs, problem: null };
    const quarantine = await receivePack(git, answer);
    const variables = quarantine?.variables ?? {};
    try {
      await requireConnected(git, [tip], { carried, variables });
      if (!known.allowLinks) refuseLinks(await findNewLinks(git, [tip], variables));
      quarantine?.accept();
    } catch (error) {
      quarantine?.discard();
      throw error;
    }
    await keepTip(subject, tip);
    return { ...refs, problem: null };
  } catch (error) {
    if (error instanceof NewLinks) return { ...refs, problem: { kind: 'gitlink', text: error.message } };
    if (error instanceof Refused || error instanceof HostileAnswer)
      return { ...refs, problem: { kind: 'refused', text: error.message } };
    throw error;
  } finally {
    await answer.close();
  }
}

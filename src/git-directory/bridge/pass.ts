import { bringArrivals, keepTip, NewLinks } from './arrive.ts';
import { foldersOf, signatureHost, signatureInside } from './changed.ts';
import { claimBridge } from './claim.ts';
import { giveRefs, keepDropped } from './give.ts';
import { releaseLeftLock } from './host-index.ts';
import { readHostRefs } from './host-refs.ts';
import { HostileAnswer } from './inside.ts';
import { judge } from './judge.ts';
import { lookInside, type InsideLook } from './look-inside.ts';
import { moveHost, moveInside, renameInside, settleMove } from './moves.ts';
import { asBytes } from './names.ts';
import { describeProblem, waiting } from './problem.ts';
import { Refused } from './receive.ts';
import {
  freshState,
  loadGiven,
  loadState,
  saveGiven,
  saveState,
  type BridgeState,
  type GivenRefs,
  type PendingMove,
} from './state.ts';
import type { PassOptions, PassReport } from './report.ts';
import type { BridgeSubject } from './subject.ts';

/** Rounds of one pass: a side that moves all the time is left for the next one. */
const MOST_ROUNDS = 4;

/**
 * Brings the refs of an instance and of the host to agree, as far as that loses nothing. The steps and what a crash between any
 * two of them leaves are in docs/git-directory.md, and in the model that is checked over all interleavings.
 * @throws HeadjackError not_running where the container does not run, git_failed
 */
export async function runPass(subject: BridgeSubject, options: PassOptions): Promise<PassReport> {
  const claim = claimBridge(subject.stateFile);
  if (claim === undefined) {
    const state = loadState(subject.stateFile) ?? freshState(subject.branch);
    return { busy: true, state, moved: undefined, arrived: [], kept: [] };
  }
  try {
    return await new Pass(subject, options).run();
  } finally {
    claim.release();
  }
}

class Pass {
  readonly #subject: BridgeSubject;
  readonly #options: PassOptions;
  readonly #file: string;
  #state: BridgeState;
  #given: GivenRefs | undefined;
  #moved: 'host' | 'inside' | undefined;
  readonly #arrived: string[] = [];
  readonly #kept = new Set<string>();

  constructor(subject: BridgeSubject, options: PassOptions) {
    this.#subject = subject;
    this.#options = options;
    this.#file = subject.stateFile;
    this.#state = loadState(this.#file) ?? freshState(subject.branch);
    this.#given = loadGiven(this.#file);
  }

  async run(): Promise<PassReport> {
    await this.#followRename();
    if (await this.#settle()) {
      for (let round = 0; round < MOST_ROUNDS; round++) if (await this.#round(round === 0)) break;
    }
    return {
      busy: false,
      state: this.#state,
      moved: this.#moved,
      arrived: this.#arrived,
      kept: [...this.#kept],
    };
  }

  /** One look at both sides, and what follows from it. True where nothing is left to be done. */
  async #round(first: boolean): Promise<boolean> {
    const { git, directory, branch } = this.#subject;
    const own = asBytes(`refs/heads/${branch}`);
    const { seen, folders } = this.#state;
    const now = {
      inside: signatureInside(directory, branch),
      host: signatureHost(git.commonDir, branch, folders),
    };
    const asked = first && this.#options.always === true;
    const lookThere = asked || seen.inside !== now.inside || this.#given === undefined;
    if (!lookThere && seen.host === now.host) return true;
    const host = await readHostRefs(git);
    if (this.#given !== undefined) await this.#give(host, this.#given);
    let look: InsideLook | undefined;
    let { inside } = seen;
    if (lookThere) {
      inside = signatureInside(directory, branch); // giving has changed it
      look = await this.#look(host);
      // before anything was given, what is there is what it was made of
      if (this.#given === undefined) await this.#give(host, look.refs);
    }
    const level = await this.#level(host.get(own));
    if (look?.problem === null) await this.#bringArrivals(look, host);
    const touched = this.#moved === 'host' || this.#arrived.length > 0;
    const seenHost = touched ? await this.#signatureAfter() : now.host;
    // what had to wait is tried again, whatever the files look like
    const waits = waiting.has(this.#state.problem?.kind ?? 'refused');
    this.#save({
      seen: { inside: waits ? '' : inside, host: seenHost },
      folders: foldersOf(this.#given?.keys() ?? []),
    });
    return level;
  }

  async #look(host: ReadonlyMap<string, string>): Promise<InsideLook> {
    const look = await lookInside(this.#subject, {
      carried: this.#state.carried,
      host: host.get(asBytes(`refs/heads/${this.#subject.branch}`)),
      hexLength: [...host.values()][0]?.length ?? 40,
      all: this.#given === undefined,
      allowLinks: this.#options.allowLinks === true,
    });
    const tip = look.tip ?? null;
    this.#save({ inside: { tip, head: look.head ?? null }, problem: look.problem });
    return look;
  }

  /** Moves the side that is to follow. True where nothing is left to be done. */
  async #level(host: string | undefined): Promise<boolean> {
    const { carried, inside, problem } = this.#state;
    if (problem?.kind === 'refused' || problem?.kind === 'gitlink') return true;
    const tips = { host, inside: inside?.tip ?? undefined, carried: carried ?? undefined };
    const decision = await judge(this.#subject.git, tips);
    if (decision === 'level' || decision === 'agreed') {
      this.#save({ carried: host ?? null, problem: null });
      return true;
    }
    if (decision !== 'out' && decision !== 'in') {
      this.#save({
        problem: { kind: decision, text: describeProblem(decision, this.#subject.branch, tips) },
      });
      return true;
    }
    const side = decision === 'out' ? 'host' : 'inside';
    const [from = '', to = ''] = side === 'host' ? [tips.host, tips.inside] : [tips.inside, tips.host];
    const move: PendingMove = { side, from, to, mark: this.#options.randomHex(8) };
    const announce = (): void => {
      this.#save({ pending: move });
    };
    const result = await (side === 'host' ? moveHost : moveInside)(this.#subject, move, announce);
    if (result === 'moved') {
      this.#moved = side;
      if (side === 'host') {
        this.#note(asBytes(`refs/heads/${this.#subject.branch}`), to);
        await keepDropped(this.#subject, [from]);
      } else await keepTip(this.#subject, to);
      this.#save({ carried: to, pending: null, problem: null });
      return side === 'host';
    }
    this.#save({ pending: null });
    if (result === 'raced') return false;
    this.#save({ problem: { kind: result, text: describeProblem(result, this.#subject.branch, tips) } });
    return true;
  }

  async #give(host: ReadonlyMap<string, string>, given: GivenRefs): Promise<void> {
    await giveRefs(this.#subject, { host, given });
    this.#given = host;
    saveGiven(this.#file, host);
  }

  async #bringArrivals(look: InsideLook, host: ReadonlyMap<string, string>): Promise<void> {
    try {
      const { arrived, kept } = await bringArrivals(this.#subject, {
        inside: look.refs,
        host,
        given: this.#given ?? new Map(),
        before: this.#state.arrived,
        carried: this.#state.carried,
        allowLinks: this.#options.allowLinks === true,
      });
      for (const name of arrived) this.#note(name, look.refs.get(name) ?? '');
      this.#arrived.push(...arrived);
      for (const name of kept) this.#kept.add(name);
      if (arrived.length > 0) this.#save({ arrived: [...this.#state.arrived, ...arrived] });
    } catch (error) {
      if (error instanceof NewLinks) this.#save({ problem: { kind: 'gitlink', text: error.message } });
      else if (error instanceof Refused || error instanceof HostileAnswer)
        this.#save({ problem: { kind: 'refused', text: error.message } });
      else throw error;
    }
  }

  /** A ref of the host that came from inside: there is nothing to be given back. */
  #note(name: string, object: string): void {
    this.#given = new Map(this.#given).set(name, object);
    saveGiven(this.#file, this.#given);
  }

  /** What the host's refs look like after our own changes; '' where somebody else has changed them, too. */
  async #signatureAfter(): Promise<string> {
    const { git, branch } = this.#subject;
    const given = this.#given ?? new Map<string, string>();
    const signature = signatureHost(git.commonDir, branch, foldersOf(given.keys()));
    const host = await readHostRefs(git);
    return host.size === given.size && [...host].every(([name, object]) => given.get(name) === object)
      ? signature
      : '';
  }

  /** What a killed bridge left is settled first. False where that has to wait. */
  async #settle(): Promise<boolean> {
    const { pending } = this.#state;
    const { metadata, branch } = this.#subject;
    if (pending === null) {
      if (metadata !== undefined) releaseLeftLock(metadata);
      return true;
    }
    const settled = await settleMove(this.#subject, pending);
    if (settled === 'made' || settled === 'not-made') {
      const carried = settled === 'made' ? pending.to : this.#state.carried;
      this.#save({ carried, pending: null, seen: { inside: '', host: '' } });
      return true;
    }
    this.#save({ problem: { kind: settled, text: describeProblem(settled, branch) } });
    return false;
  }

  /** `hjk rename` gave the branch another name on the host. */
  async #followRename(): Promise<void> {
    const { branch } = this.#subject;
    const before = this.#state.branch;
    if (before === branch) return;
    await renameInside(this.#subject, before);
    this.#save({ branch, seen: { inside: '', host: '' } });
  }

  #save(change: Partial<BridgeState>): void {
    this.#state = { ...this.#state, ...change };
    saveState(this.#file, this.#state);
  }
}

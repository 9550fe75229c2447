import { describe, expect, it } from 'vitest';
import { decide, type Decision } from '../../../src/git-directory/bridge/decide.ts';

/**
 * The bridge as a model: one branch on two sides, each with an index and its lock, what the bridge has written down, a writer on
 * each side and two bridges, each killed between any two effects. What a killed one had started inside the container may go on
 * without it. All interleavings are walked.
 * The steps are those of docs/git-directory.md and of the code, one effect each.
 */

/** A commit: its parents, and the changes that its tree holds, as bits. */
interface Commit {
  readonly parents: readonly number[];
  readonly tree: number;
}
/** A lock on an index, with the index that is to replace it. `by` is 'git' for one of a writer's. */
interface Lock {
  readonly by: string;
  readonly tree: number;
}
interface Side {
  tip: number;
  index: number;
  lock: Lock | undefined;
  /** Every commit that this side had at its tip: what its reflog holds. */
  seen: number;
  /** refs/headjack/moved/<mark>: what each one points to, or 'revoked'. */
  marks: Record<number, 'moved' | 'revoked'>;
}
/** A move that was announced. Its mark is made in the same transaction of refs as the move, and can be made once. */
interface Pending {
  readonly from: number;
  readonly to: number;
  readonly mark: number;
}
interface World {
  commits: Commit[];
  host: Side;
  inside: Side;
  /** bridge.json. */
  carried: number;
  hostPending: Pending | undefined;
  insidePending: Pending | undefined;
  /** refs/headjack/instances/<id>/<branch>. */
  kept: number;
  /** Which bridge works on the instance. */
  claim: number | undefined;
  /** What both sides were at last; the bridge does not know it. */
  agreed: number;
  writes: { host: string[]; inside: string[] };
  kills: number;
  bridges: Bridge[];
  writers: Record<'host' | 'inside', Writer>;
  nextChange: number;
  nextMark: number;
}
interface Bridge {
  at: string;
  /** Killed, but its program inside the container goes on. */
  orphan?: true;
  /** What it read. */
  host?: number;
  inside?: number;
  carried?: number;
  pending?: Pending;
  decision?: Decision;
}
interface Writer {
  at: 'idle' | 'locked' | 'written';
  read?: number;
}

/** What can be done wrong: each of them has to be found. */
type Bug =
  | 'none'
  | 'no-claim'
  | 'ref-without-lock'
  | 'no-pending'
  | 'no-compare'
  | 'ancestor-is-enough'
  | 'lock-not-adopted'
  | 'lock-released'
  | 'mark-not-made';

const contains = (world: World, a: number, b: number): boolean =>
  a === b || (world.commits[b]?.parents ?? []).some(parent => contains(world, a, parent));
const treeOf = (world: World, commit: number): number => world.commits[commit]!.tree;
/** git read-tree -i -m <from> <to>: what differs between the two, and nothing else, changes in the index. */
const twoTree = (index: number, from: number, to: number): number => (index & ~(from & ~to)) | (to & ~from);
const moved = (side: Side, tip: number): Side => ({ ...side, tip, seen: side.seen | (1 << tip) });

/** One step of a writer's `git commit`, `git commit --amend` or `git reset --hard HEAD^`: lock, compare and swap, release. */
function writerSteps(world: World, where: 'host' | 'inside'): World[] {
  const writer = world.writers[where];
  const side = world[where];
  const set = (change: Partial<Side>, next: Writer, more: Partial<World> = {}): World => ({
    ...world,
    ...more,
    [where]: { ...side, ...change },
    writers: { ...world.writers, [where]: next },
  });
  const [kind, ...rest] = world.writes[where];
  if (writer.at === 'idle') {
    if (kind === undefined || side.lock !== undefined) return [];
    return [set({ lock: { by: 'git', tree: side.index } }, { at: 'locked', read: side.tip })];
  }
  if (writer.at === 'locked') {
    const writes = { ...world.writes, [where]: rest };
    // a real git gives up where somebody moved the branch meanwhile; the user calls it again
    if (side.tip !== writer.read) return [set({ lock: undefined }, { at: 'idle' })];
    const old = world.commits[side.tip]!;
    const [parent] = old.parents;
    if (kind === 'reset' && parent !== undefined)
      return [
        set(
          { ...moved(side, parent), lock: { by: 'git', tree: treeOf(world, parent) } },
          { at: 'written' },
          { writes },
        ),
      ];
    if (kind !== 'commit' && parent === undefined)
      return [set({ lock: undefined }, { at: 'idle' }, { writes })];
    const tree = side.index | (1 << world.nextChange);
    const commits = [...world.commits, { parents: kind === 'amend' ? old.parents : [side.tip], tree }];
    const tip = commits.length - 1;
    return [
      set(
        { ...moved(side, tip), lock: { by: 'git', tree } },
        { at: 'written' },
        { commits, writes, nextChange: world.nextChange + 1 },
      ),
    ];
  }
  return [set({ index: side.lock!.tree, lock: undefined }, { at: 'idle' })];
}

/** The next effect of a bridge, or none where it has ended. */
function bridgeStep(world: World, n: number, bug: Bug): World | undefined {
  const bridge = world.bridges[n]!;
  const me = `bridge${n}`;
  const go = (at: string, change: Partial<World> = {}, know: Partial<Bridge> = {}): World => {
    const bridges = [...world.bridges];
    bridges[n] = { ...bridge, ...know, at };
    return { ...world, ...change, bridges };
  };
  const alive = (by: string): boolean => by === 'git' || world.bridges[Number(by.slice(6))]!.at !== 'dead';
  const held = (holder: number): boolean => {
    const { at, orphan } = world.bridges[holder]!;
    return at !== 'done' && at !== 'dead' && orphan !== true;
  };
  if (bridge.orphan === true && !['lock', 'move', 'index', 'give up'].includes(bridge.at)) return go('dead');
  const other = { host: 'inside', inside: 'host' } as const;
  const side = bridge.decision === 'in' || bridge.at.startsWith('inside') ? 'inside' : 'host';
  const goal = world[side];
  switch (bridge.at) {
    case 'start': {
      const { claim } = world;
      if (bug !== 'no-claim' && claim !== undefined && held(claim)) return go('done');
      return go('recover', { claim: n }, { carried: world.carried });
    }
    case 'recover': {
      // what a killed one left: a lock alone, or a move that was announced
      for (const where of ['host', 'inside'] as const) {
        const { lock } = world[where];
        const pending = world[`${where}Pending`] !== undefined && bug !== 'lock-released';
        if (!pending && lock !== undefined && !alive(lock.by))
          return go('recover', { [where]: { ...world[where], lock: undefined } });
      }
      if (world.hostPending !== undefined) return go('host: revoke', {}, { pending: world.hostPending });
      if (world.insidePending !== undefined)
        return go('inside: revoke', {}, { pending: world.insidePending });
      return go('read inside');
    }
    case 'host: revoke':
    case 'inside: revoke': {
      // whoever makes the mark first: a move that was not made until now can never be made any more
      const where = bridge.at === 'host: revoke' ? 'host' : 'inside';
      const now = world[where];
      const { mark, to } = bridge.pending!;
      const made = bug === 'mark-not-made' ? contains(world, to, now.tip) : now.marks[mark] === 'moved';
      if (made) return go(`${where}: repair`);
      return go(`${where}: forget`, { [where]: { ...now, marks: { ...now.marks, [mark]: 'revoked' } } });
    }
    case 'host: forget':
    case 'inside: forget':
      return go('recover', { [bridge.at === 'host: forget' ? 'hostPending' : 'insidePending']: undefined });
    case 'host: repair':
    case 'inside: repair': {
      const where = bridge.at === 'host: repair' ? 'host' : 'inside';
      const now = world[where];
      // held by a git: another time. One of a killed bridge is taken over, not released: nobody may commit in between
      const ours =
        now.lock === undefined || now.lock.by === me || (bug !== 'lock-not-adopted' && !alive(now.lock.by));
      if (!ours) return go('done');
      const { from } = bridge.pending!;
      const tree = twoTree(now.index, treeOf(world, from), treeOf(world, now.tip));
      return go(`${where}: repaired`, { [where]: { ...now, lock: { by: me, tree } } }, { host: now.tip });
    }
    case 'host: repaired':
    case 'inside: repaired': {
      const where = bridge.at === 'host: repaired' ? 'host' : 'inside';
      const now = world[where];
      if (now.lock?.by !== me) return go('done');
      // somebody moved the branch without the index, or a second bridge: not what the lock was made for
      if (now.tip !== bridge.host) return go(`${where}: repair`);
      return go(`${where}: settle`, { [where]: { ...now, index: now.lock.tree, lock: undefined } });
    }
    case 'host: settle':
    case 'inside: settle': {
      const where = bridge.at === 'host: settle' ? 'host' : 'inside';
      const { to } = bridge.pending!;
      return go('recover', { carried: to, [`${where}Pending`]: undefined }, { carried: to });
    }
    case 'read inside':
      return go('read host', {}, { inside: world.inside.tip });
    case 'read host': {
      const host = world.host.tip;
      const decision = decide(
        { host: String(host), inside: String(bridge.inside), carried: String(bridge.carried) },
        (a, b) =>
          (bug === 'ancestor-is-enough' && a === String(bridge.carried)) ||
          contains(world, Number(a), Number(b)),
      );
      return go(
        decision === 'both-moved' || decision === 'level' ? 'done' : decision === 'agreed' ? 'save' : 'keep',
        {},
        { host, decision },
      );
    }
    case 'keep':
      return go(side === 'inside' || bug === 'ref-without-lock' ? 'announce' : 'lock', {
        kept: world.kept | (1 << bridge.inside!),
      });
    case 'lock': {
      if (goal.lock !== undefined) return go(side === 'inside' ? 'give up' : 'done'); // reported; the next pass does it
      const { host, inside } = bridge;
      const [from, to] = side === 'host' ? [host!, inside!] : [inside!, host!];
      const tree = twoTree(goal.index, treeOf(world, from), treeOf(world, to));
      return go(side === 'inside' ? 'move' : 'announce', { [side]: { ...goal, lock: { by: me, tree } } });
    }
    case 'announce': {
      const { host, inside } = bridge;
      const mark = world.nextMark;
      const pending =
        side === 'host' ? { from: host!, to: inside!, mark } : { from: inside!, to: host!, mark };
      return go(
        side === 'inside' && bug !== 'ref-without-lock' ? 'lock' : 'move',
        { nextMark: mark + 1, ...(bug === 'no-pending' ? {} : { [`${side}Pending`]: pending }) },
        { pending },
      );
    }
    case 'move': {
      const from = bridge[side]!;
      const to = bridge[other[side]]!;
      const { mark } = bridge.pending!;
      if (bug !== 'mark-not-made' && goal.marks[mark] === 'revoked') return go('give up');
      if (bug !== 'no-compare' && goal.tip !== from) return go('give up');
      return go('index', { [side]: { ...moved(goal, to), marks: { ...goal.marks, [mark]: 'moved' } } });
    }
    case 'give up':
      return go(bridge.orphan === true ? 'dead' : 'done', {
        ...(bridge.orphan === true ? {} : { [`${side}Pending`]: undefined }),
        ...(goal.lock?.by === me ? { [side]: { ...goal, lock: undefined } } : {}),
      });
    case 'index': {
      if (bug === 'ref-without-lock') {
        if (goal.lock !== undefined) return go('save');
        const tree = twoTree(goal.index, treeOf(world, bridge[side]!), treeOf(world, goal.tip));
        return go('save', { [side]: { ...goal, index: tree } });
      }
      if (goal.lock?.by !== me) return go('done'); // taken from us
      return go('save', { [side]: { ...goal, index: goal.lock.tree, lock: undefined } });
    }
    case 'save': {
      const carried = bridge.decision === 'in' ? bridge.host! : bridge.inside!;
      const pending = bridge.pending === undefined ? {} : { [`${side}Pending`]: undefined };
      return go('done', { carried, ...pending });
    }
    default:
      return undefined;
  }
}

function settle(world: World, bug: Bug): World {
  let now: World = { ...world, bridges: world.bridges.map(b => (b.at === 'done' ? b : { at: 'dead' })) };
  for (let pass = 0; pass < 4; pass++) {
    now = { ...now, bridges: [...now.bridges, { at: 'start' }] };
    const n = now.bridges.length - 1;
    for (let next = bridgeStep(now, n, bug); next !== undefined; next = bridgeStep(now, n, bug)) now = next;
  }
  return now;
}

/** What must never be; undefined where all is well. */
function violation(before: World, after: World, mover: 'writer' | 'bridge'): string | undefined {
  for (const [i, commit] of after.commits.entries())
    if (commit.parents.some(parent => (treeOf(after, parent) & ~commit.tree) !== 0))
      return `commit ${i} takes back what its parent holds`;
  if (mover === 'writer') return undefined;
  for (const where of ['host', 'inside'] as const) {
    const from = before[where].tip;
    if (from === after[where].tip) continue;
    const other = after[where === 'host' ? 'inside' : 'host'];
    // forwards, or where the other side left it behind knowingly
    if (!contains(after, from, after[where].tip) && (other.seen & (1 << from)) === 0)
      return `the ${where} lost commit ${from}`;
    if (from !== before.agreed && !contains(after, before.agreed, from))
      return `what was done on the ${where} was undone without a word`;
  }
  return undefined;
}

function violationAtEnd(world: World, bug: Bug): string | undefined {
  const end = settle(world, bug);
  for (const where of ['host', 'inside'] as const) {
    if (end[where].lock !== undefined) return `a lock is left on the ${where}`;
    if (end[where].index !== treeOf(end, end[where].tip))
      return `the index of the ${where} is not that of its commit`;
  }
  if (end.host.tip === end.inside.tip)
    return end.carried === end.host.tip ? undefined : 'what both have is not known';
  const decision = decide(
    { host: String(end.host.tip), inside: String(end.inside.tip), carried: String(end.carried) },
    (a, b) => contains(end, Number(a), Number(b)),
  );
  return decision === 'both-moved' ? undefined : `it ends with "${decision}" not done`;
}

interface Case {
  readonly host: string[];
  readonly inside: string[];
  readonly kills: number;
  readonly bug?: Bug;
}

function explore({ host, inside, kills, bug = 'none' }: Case): { states: number; found: string | undefined } {
  const side: Side = { tip: 1, index: 1, lock: undefined, seen: 3, marks: {} };
  const first: World = {
    commits: [
      { parents: [], tree: 0 },
      { parents: [0], tree: 1 },
    ],
    host: side,
    inside: side,
    carried: 1,
    hostPending: undefined,
    insidePending: undefined,
    kept: 0,
    claim: undefined,
    agreed: 1,
    writes: { host, inside },
    kills,
    bridges: [{ at: 'start' }, { at: 'start' }],
    writers: { host: { at: 'idle' }, inside: { at: 'idle' } },
    nextChange: 1,
    nextMark: 0,
  };
  const known = new Set<string>();
  const open = [first];
  for (let world = open.pop(); world !== undefined; world = open.pop()) {
    const key = JSON.stringify(world);
    if (known.has(key)) continue;
    known.add(key);
    const written = [...writerSteps(world, 'host'), ...writerSteps(world, 'inside')];
    const next: World[] = [];
    for (const n of [0, 1]) {
      const stepped = bridgeStep(world, n, bug);
      if (stepped === undefined) continue;
      next.push(stepped);
      if (world.kills > 0 && world.bridges[n]!.at !== 'start' && world.bridges[n]!.orphan !== true) {
        const bridges = world.bridges.map((b, i) => (i === n ? { at: 'dead' } : b));
        next.push({ ...world, bridges, kills: world.kills - 1 });
        const { decision, at } = world.bridges[n]!;
        if (decision === 'in' && ['lock', 'move', 'index'].includes(at)) {
          const orphaned = world.bridges.map((b, i) => (i === n ? { ...b, orphan: true as const } : b));
          next.push({ ...world, bridges: orphaned, kills: world.kills - 1 });
        }
      }
    }
    for (const [mover, worlds] of [
      ['writer', written],
      ['bridge', next],
    ] as const)
      for (const then of worlds) {
        const wrong = violation(world, then, mover);
        if (wrong !== undefined) return { states: known.size, found: `${wrong} ${JSON.stringify(world)}` };
        open.push(then.host.tip === then.inside.tip ? { ...then, agreed: then.host.tip } : then);
      }
    const writersDone = Object.values(world.writers).every(writer => writer.at === 'idle');
    const bridgesDone = world.bridges.every(b => b.at === 'done' || b.at === 'dead');
    if (writersDone && bridgesDone) {
      const wrong = violationAtEnd(world, bug);
      if (wrong !== undefined) return { states: known.size, found: `${wrong} ${key}` };
    }
  }
  return { states: known.size, found: undefined };
}

describe('the bridge, in all interleavings of two writers, two bridges and kills', () => {
  it.each<Case>([
    { host: [], inside: ['commit', 'amend'], kills: 2 },
    { host: ['commit', 'amend'], inside: [], kills: 2 },
    { host: ['commit'], inside: ['commit'], kills: 1 },
    { host: ['amend'], inside: ['commit'], kills: 1 },
    { host: ['commit'], inside: ['amend'], kills: 1 },
    { host: ['commit'], inside: ['reset'], kills: 1 },
    { host: ['reset'], inside: ['commit'], kills: 1 },
    { host: ['commit'], inside: ['commit', 'commit'], kills: 0 },
  ])(
    'loses no commit, and leaves both indexes right: $host on the host, $inside inside, $kills killed',
    given => {
      const { states, found } = explore(given);
      expect(found).toBeUndefined();
      expect(states).toBeGreaterThan(500);
    },
  );

  it.each<Bug>([
    'no-claim',
    'ref-without-lock',
    'no-pending',
    'no-compare',
    'ancestor-is-enough',
    'lock-not-adopted',
    'lock-released',
    'mark-not-made',
  ])('finds a planted mistake: %s', bug => {
    const cases: Case[] = [
      { host: ['commit'], inside: ['commit'], kills: 1, bug },
      { host: ['commit'], inside: ['reset'], kills: 1, bug },
      { host: [], inside: ['commit', 'amend'], kills: 2, bug },
    ];
    expect(cases.map(given => explore(given).found).find(found => found !== undefined)).toBeDefined();
  });
});

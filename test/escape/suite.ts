import path from 'node:path';
import { attackScript, runningScript, wordOf, type Attack, type Kind, type Place } from './attack.ts';
import { plantFor, watchCanaries } from './canaries.ts';
import { makeVictim } from './victim.ts';
import { makeWorld, must, type Bystanders, type UserName, type World } from './world.ts';

export interface Result {
  readonly attack: Attack;
  readonly user: UserName;
  /** What the attack came to; empty where nothing did. */
  readonly faults: readonly string[];
}

interface Options {
  readonly user: UserName;
  readonly bystanders: Bystanders;
  readonly report: (result: Result) => void;
  /** Some were tried together; these faults are whose? That is asked next. */
  readonly tried: (faults: readonly string[]) => void;
  /** Order of attacks; the same number gives the same order. */
  readonly seed: number;
}

/** Worlds are shared as long as nothing came of the attacks in them. */
class Worlds {
  #world: World | undefined;
  #count = 0;
  readonly #make: () => Promise<World>;
  constructor(make: () => Promise<World>) {
    this.#make = make;
  }
  async current(): Promise<World> {
    this.#world ??= await this.#make();
    return this.#world;
  }
  /** A name that no branch had before. */
  branch(): string {
    return `b${String(this.#count++)}`;
  }
  async renew(): Promise<void> {
    const old = this.#world;
    this.#world = undefined;
    await old?.[Symbol.asyncDispose]();
  }
}

interface Fault {
  readonly text: string;
  /** Those that it can have come from. */
  readonly suspects: readonly Attack[];
}

/** So many are tried at a time: those that share an instance, and those that have one of their own. */
const together = { sharing: 60, alone: 8 };

/** Tries all attacks of these kinds, many at a time; those that something came of are told apart. */
export async function runSuite(kinds: readonly Kind[], options: Options): Promise<Result[]> {
  const worlds = new Worlds(() => makeWorld(options));
  const results: Result[] = [];
  const settle = (attack: Attack, faults: readonly string[]): void => {
    const result = { attack, user: options.user, faults };
    results.push(result);
    options.report(result);
  };
  const isolate = async (attacks: readonly Attack[]): Promise<void> => {
    if (attacks.length === 0) return;
    const faults = await tryTogether(worlds, attacks);
    const certain = faults.length === 0 || attacks.length === 1;
    if (certain)
      for (const attack of attacks)
        settle(
          attack,
          faults.map(({ text }) => text),
        );
    options.tried(certain ? [] : faults.map(({ text }) => text));
    if (certain) return;
    const caught = attacks.filter(attack =>
      faults.some(({ suspects }) => suspects.length === 1 && suspects[0] === attack),
    );
    for (const attack of caught)
      settle(
        attack,
        faults
          .filter(({ suspects }) => suspects.length === 1 && suspects[0] === attack)
          .map(({ text }) => text),
      );
    const rest = attacks.filter(attack => !caught.includes(attack));
    // what could be of several: halves tell
    const half = caught.length > 0 ? rest.length : Math.ceil(rest.length / 2);
    await isolate(rest.slice(0, half));
    await isolate(rest.slice(half));
  };
  try {
    const order = shuffled(
      kinds.flatMap(({ attacks }) => attacks),
      options.seed,
    );
    for (const attacks of batchesOf(order)) await isolate(attacks);
  } finally {
    await worlds.renew();
  }
  return results;
}

function batchesOf(attacks: readonly Attack[]): Attack[][] {
  const lonely = attacks.filter(({ alone }) => alone === true);
  const sharing = attacks.filter(({ alone }) => alone !== true);
  const count = Math.max(
    Math.ceil(lonely.length / together.alone),
    Math.ceil(sharing.length / together.sharing),
  );
  return Array.from({ length: count }, (_, at) =>
    [...sharing, ...lonely].filter((__, i) => i % count === at),
  );
}

const named = (text: string, word: string): boolean =>
  new RegExp(`(^|[^a-z0-9-])${word}($|[^a-z0-9-])`).test(text);

/** Those that break the instance for others have one of their own; the others share one. */
function instancesFor(attacks: readonly Attack[]): (readonly Attack[])[] {
  const lonely = attacks.filter(({ alone }) => alone === true).map(attack => [attack]);
  const shared = attacks.filter(({ alone }) => alone !== true);
  return shared.length > 0 ? [shared, ...lonely] : lonely;
}

/** Attacks in their instances, then a day of the victim's. Gives what came of it. */
async function tryTogether(worlds: Worlds, attacks: readonly Attack[]): Promise<Fault[]> {
  const faults: Fault[] = [];
  const blame = (texts: readonly string[], suspects: readonly Attack[]): void => {
    for (const text of texts) {
      const said = suspects.filter(attack => named(text, wordOf(attack)));
      faults.push({ text, suspects: said.length > 0 ? said : suspects });
    }
  };
  const world = await worlds.current();
  try {
    plantFor(world, attacks.map(wordOf));
    const groups = instancesFor(attacks).map(members => ({ members, branch: worlds.branch() }));
    const branches = groups.map(({ branch }) => branch);
    for (const branch of branches) await must(world.hjk(['run', branch]));
    const victim = makeVictim(world, (await must(world.hjk(['--help']))).output);
    const canaries = watchCanaries(world);
    for (const { members, branch } of groups)
      for (const [attack, texts] of await attackFrom(world, branch, members)) blame(texts, [attack]);
    blame(await victim.workInMainCheckout(branches), attacks);
    blame(await victim.lookAround(), attacks);
    await inLanes(groups, async ({ members, branch }) => {
      blame(await victim.use(branch), members);
    });
    blame(await victim.repair(), attacks);
    await inLanes(groups, async ({ members, branch }) => {
      blame(await victim.end(branch), members);
    });
    blame(canaries.changes(), attacks);
    blame(await innocentLives(world), attacks);
  } catch (error) {
    blame([error instanceof Error ? error.message : String(error)], attacks);
  }
  if (faults.length > 0) await worlds.renew();
  return faults;
}

/** Two at a time. */
async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
  };
  await Promise.all([lane(), lane()]);
}

/** Runs the attacks of one instance. Gives what went wrong at once, by attack. */
async function attackFrom(
  world: World,
  branch: string,
  attacks: readonly Attack[],
): Promise<[Attack, string[]][]> {
  const { id, worktree } = world.entry(branch)!;
  const place: Place = { world, branch, id, worktree };
  const said: [Attack, string[]][] = [];
  for (const attack of attacks) said.push([attack, (await attack.outside?.(world, wordOf(attack))) ?? []]);
  if (attacks.some(({ inside, running }) => inside !== undefined || running !== undefined))
    await world.hjk(['exec', branch, '--no-mux', 'sh'], {
      input: attackScript(place, attacks),
      limitMs: 300_000,
    });
  for (const attack of attacks)
    if (attack.running !== undefined)
      await world.hjk([
        'exec',
        branch,
        '-d',
        '-n',
        wordOf(attack).slice(0, 60),
        'sh',
        '-c',
        runningScript(attack),
      ]);
  for (const attack of attacks) said.push([attack, (await attack.check?.(place, wordOf(attack))) ?? []]);
  return said;
}

/** Another instance's program is still there, and everybody agrees about it. */
async function innocentLives(world: World): Promise<string[]> {
  const { output } = await world.hjk(['ps', '--json']);
  try {
    const { instances } = JSON.parse(output) as {
      instances: { branch: string; status: string; sessions: { name: string; state: string }[] }[];
    };
    const innocent = instances.find(instance => instance.branch === 'innocent');
    const state = innocent?.sessions.find(session => session.name === 'keep')?.state;
    return innocent?.status === 'running' && state === 'detached'
      ? []
      : [`another instance is ${innocent?.status ?? 'gone'}, its session ${state ?? 'gone'}`];
  } catch {
    return [`ps --json of ${path.basename(world.repository)} is no JSON: ${output.slice(0, 200)}`];
  }
}

function shuffled(attacks: readonly Attack[], seed: number): Attack[] {
  let state = seed >>> 0;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return attacks
    .map(attack => ({ attack, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ attack }) => attack);
}

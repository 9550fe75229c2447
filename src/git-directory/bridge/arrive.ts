import type { HostGit } from './host-git.ts';
import { askInside, Lines } from './inside.ts';
import { asBytes, isWelcome, keptRef, TakenNames } from './names.ts';
import { findNewLinks, receivePack, requireConnected } from './receive.ts';
import type { BridgeSubject } from './subject.ts';

/** Of one instance, over its whole life. */
const MOST_ARRIVALS = 100;
/** So many objects are asked for at once: they are words of a command line. */
const MOST_AT_ONCE = 500;

export interface Arrivals {
  /** Refs that came to the host, under their own names. */
  readonly arrived: readonly string[];
  /** Names that are not free, not welcome or too many: their commits are kept under refs/headjack. */
  readonly kept: readonly string[];
}

/**
 * Branches and tags that were made inside and whose names are free on the host arrive there. Nothing that the host has is moved:
 * what goes on inside after that stays inside until it is mirrored.
 * @throws Refused, HostileAnswer
 */
export async function bringArrivals(
  subject: BridgeSubject,
  refs: {
    readonly inside: ReadonlyMap<string, string>;
    readonly host: ReadonlyMap<string, string>;
    readonly given: ReadonlyMap<string, string>;
    readonly before: readonly string[];
    readonly carried: string | null;
    readonly allowLinks: boolean;
  },
): Promise<Arrivals> {
  const { host, given } = refs;
  const before = new Set(refs.before);
  const made = [...refs.inside].filter(
    ([name]) =>
      /^refs\/(?:heads|tags)\//.test(name) &&
      name !== asBytes(`refs/heads/${subject.branch}`) &&
      !host.has(name) &&
      !given.has(name) &&
      !before.has(name),
  );
  if (made.length === 0) return { arrived: [], kept: [] };
  const taken = new TakenNames([...host.keys(), ...given.keys()]);
  const welcome: [string, string][] = [];
  const kept: string[] = [];
  for (const [name, object] of made) {
    const room = refs.before.length + welcome.length < MOST_ARRIVALS;
    if (room && isWelcome(name) && !taken.has(name)) {
      welcome.push([name, object]);
      taken.add(name);
    } else kept.push(name);
  }
  if (welcome.length === 0) return { arrived: [], kept };
  await fetchObjects(
    subject,
    welcome.map(([, object]) => object),
    refs,
  );
  const arrived: string[] = [];
  for (const [name, object] of welcome) {
    const reason = `headjack: made in ${subject.instanceId}`;
    const zero = '0'.repeat(object.length);
    const ran = await subject.git.try(['update-ref', '--create-reflog', '-m', reason, name, object, zero]);
    if (ran.code === 0) arrived.push(name);
    else kept.push(name);
  }
  return { arrived, kept };
}

/** Brings objects, and all that they need, into the host's repository. @throws Refused, HostileAnswer */
export async function fetchObjects(
  subject: BridgeSubject,
  objects: readonly string[],
  options: { readonly carried: string | null; readonly allowLinks: boolean },
): Promise<void> {
  const { git, inside } = subject;
  const missing = await findMissing(git, objects);
  for (let from = 0; from < missing.length; from += MOST_AT_ONCE) {
    const some = missing.slice(from, from + MOST_AT_ONCE);
    const words = ['give', inside.directory, subject.branch, options.carried ?? '-', ...some];
    const answer = new Lines(await askInside(inside, words));
    try {
      const quarantine = await receivePack(git, answer);
      const variables = quarantine?.variables ?? {};
      try {
        await requireConnected(git, some, { carried: options.carried, variables });
        if (!options.allowLinks) refuseLinks(await findNewLinks(git, some, variables));
        quarantine?.accept();
      } catch (error) {
        quarantine?.discard();
        throw error;
      }
    } finally {
      await answer.close();
    }
  }
  const known = objects.filter(object => !missing.includes(object));
  if (known.length > 0) await requireConnected(git, known, { carried: options.carried, variables: {} });
}

/** A nested repository, linked where none was: the user's own git would go into it, and what it is told to run there. */
export class NewLinks extends Error {
  readonly paths: readonly string[];
  constructor(paths: readonly string[]) {
    super(`a nested repository is linked at ${paths.join(', ')}`);
    this.paths = paths;
  }
}

export function refuseLinks(paths: readonly string[]): void {
  if (paths.length > 0) throw new NewLinks(paths);
}

async function findMissing(git: HostGit, objects: readonly string[]): Promise<string[]> {
  const text = await git.text(['cat-file', '--batch-check=%(objectname)'], {
    input: objects.map(object => `${object}\n`).join(''),
  });
  return text
    .split('\n')
    .filter(line => line.endsWith(' missing'))
    .map(line => line.slice(0, -' missing'.length));
}

/** Keeps a commit of the instance's from the host's gc, under a name of its own. */
export async function keepTip(subject: BridgeSubject, object: string): Promise<void> {
  await subject.git.text(['update-ref', keptRef(subject.instanceId, subject.branch), object]);
}

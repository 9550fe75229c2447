import { cli } from '../support/sandbox.ts';
import { sights } from './canaries.ts';
import type { Limited } from './limited.ts';
import { verbLimit, type World } from './world.ts';

/** What attackers put into names and texts; on a screen of the victim's it must not follow a control character. */
const rawOnScreen =
  /[\u001b\u0080-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069][^\n]{0,12}PWNED/;

interface Step {
  readonly words: readonly string[];
  /** Whether it can only fail by what the attacker did. */
  readonly mustWork?: boolean;
  /** Whether it waits for the remote, which is a folder that a program inside may write. */
  readonly ofRemote?: boolean;
}

/** Git in the main checkout: nothing inside may make one of these fail. */
function inMainCheckout(branches: readonly string[], start: string): Step[] {
  const sure = (...words: string[]): Step => ({ words: ['git', ...words], mustWork: true });
  const maybe = (...words: string[]): Step => ({ words: ['git', ...words] });
  const ofRemote = (...words: string[]): Step => ({ words: ['git', ...words], ofRemote: true });
  return [
    sure('status'),
    sure('log', '--oneline', '-5', '--all'),
    sure('branch', '-avv'),
    sure('log', '-g', '-5'),
    sure('stash', 'list'),
    { words: ['sh', '-c', 'echo more >>README.md'] },
    sure('commit', '-qam', 'Of the victim'),
    ofRemote('push', '-q', 'origin', 'main'),
    sure('reset', '-q', '--hard', start),
    { words: ['sh', '-c', 'echo more >>README.md'] },
    sure('restore', '.'),
    sure('checkout', '-q', 'refs/heads/precious'),
    sure('checkout', '-q', 'main'),
    ofRemote('push', '-qf', 'origin', 'main'),
    ofRemote('fetch', '-q'),
    ...branches.flatMap(branch => [
      maybe('diff', '--stat', `main...refs/heads/${branch}`),
      maybe('show', '--stat', `refs/heads/${branch}`),
      maybe('cherry-pick', `refs/heads/${branch}`),
      maybe('reset', '-q', '--hard', start),
      maybe('merge', '-q', '--no-edit', `refs/heads/${branch}`),
      maybe('reset', '-q', '--hard', start),
    ]),
    maybe('clean', '-fdq'),
    { words: ['sh', '-c', 'echo more >>README.md'] },
    sure('stash', '-q'),
    sure('stash', 'pop', '-q'),
    sure('checkout', '-q', '--', '.'),
    sure('worktree', 'list'),
    sure('gc', '-q'),
  ];
}

const inWorktree: readonly (readonly string[])[] = [
  ['status'],
  ['diff'],
  ['log', '--oneline', '-3'],
  ['log', '-g', '-3'],
  ['commit', '-qam', 'Of the victim'],
  ['restore', '.'],
  ['checkout', '-q', '--', '.'],
  ['fetch', '-q'],
  ['cherry-pick', 'refs/heads/precious'],
  ['cherry-pick', '--abort'],
  ['merge', '-q', '--no-edit', 'main'],
  ['stash', 'create'], // the stash is the whole repository's: no entry of the victim's is to go with it
  ['stash', 'list'],
  ['branch', '-avv'],
  ['worktree', 'list'],
  ['gc', '-q'],
].map(words => ['git', ...words]);

const onTerminal = (...words: string[]): readonly string[] => [
  'script',
  '-qefc',
  `${[cli, ...words].join(' ')} </dev/null`,
  '/dev/null',
];

/** What is said of all instances. */
const overviews: readonly (readonly string[])[] = [
  ['ps'],
  ['ps', '--json'],
  ['run', 'beside'],
  ['rm', 'beside', '--yes', '-D'],
  ['doctor'],
  ['prune', '--min-age', '0', '--dry-run'],
];

const repairs: readonly (readonly string[])[] = [
  ['doctor', '--fix'],
  ['prune', '--yes'],
  ['restore', '--list'],
];

/** Verbs on one branch, in an order in which each finds something to do. */
const uses = (branch: string): (readonly string[])[] => [
  ['ps', branch],
  ['run', branch],
  ['exec', branch, '--no-mux', 'true'],
  ['exec', branch, '-d', '-n', 'mine', 'echo', 'hello'],
  ['logs', branch, 'mine'],
  ['kill', `${branch}/mine`],
  ['sync', branch],
  ['inspect', branch],
  ['stop', branch],
  ['start', branch],
  ['recreate', branch, '--yes'],
  ['rename', branch, `${branch}-moved`],
  ['rename', `${branch}-moved`, branch],
];

const excerpt = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 300);

/** What went wrong in a command of hjk's, as far as its answer shows. */
function faultsOf(ran: Limited): string[] {
  const faults: string[] = [];
  if (ran.hung !== undefined) faults.push(`hung, ${ran.hung}`);
  if (/heap out of memory|Allocation failed|ENOMEM|std::bad_alloc/.test(ran.output) || ran.code === 134)
    faults.push('took all memory');
  if (/^ {4}at .+:\d+:\d+\)?$/m.test(ran.output)) faults.push(`a stack trace: ${excerpt(ran.output)}`);
  // the code of `exec` is the program's
  else if (ran.code === 1 && !ran.command.includes(' exec '))
    faults.push(`not foreseen: ${excerpt(ran.output)}`);
  if (rawOnScreen.test(ran.output)) faults.push('control characters from inside reach the screen');
  return faults.map(fault => `${ran.command}: ${fault}`);
}

export interface Victim {
  /** Works in the main checkout, and brings in what is on these branches. */
  workInMainCheckout(branches: readonly string[]): Promise<string[]>;
  /** Asks what there is. */
  lookAround(): Promise<string[]>;
  /** Uses one instance: git in its worktree, every verb. */
  use(branch: string): Promise<string[]>;
  repair(): Promise<string[]>;
  /** Ends an instance's life, twice. */
  end(branch: string): Promise<string[]>;
}

/** @param help what hjk prints for --help: a verb that this build lacks is left out */
export function makeVictim(world: World, help: string): Victim {
  const has = (verb: string): boolean => new RegExp(`^ +${verb}\\b`, 'm').test(help);
  const hjk = async (words: readonly string[]): Promise<string[]> =>
    has(words[0] ?? '') ? faultsOf(await world.hjk(words)) : [];
  const inOrder = async (all: readonly (readonly string[])[]): Promise<string[]> => {
    const faults: string[] = [];
    for (const words of all) {
      faults.push(...(await hjk(words)));
      if (words[0] === 'run' || words[0] === 'recreate') faults.push(...(await sees(words[1]!)));
    }
    return faults;
  };
  const sees = async (branch: string): Promise<string[]> => {
    const { output } = await world.hjk(['exec', branch, '--no-mux', ...sights(world)]);
    const seen = output.split('\n').filter(line => line.startsWith('SEES '));
    return seen.map(line => `a program in ${branch} ${line.toLowerCase()}`);
  };
  const onScreen = async (...words: string[]): Promise<string[]> =>
    faultsOf(await world.run(onTerminal(...words), { cwd: world.repository, limitMs: verbLimit }));
  return {
    async workInMainCheckout(branches) {
      const faults: string[] = [];
      for (const { words, mustWork = false, ofRemote = false } of inMainCheckout(branches, world.start)) {
        const ran = await world.run(words, { cwd: world.repository, limitMs: ofRemote ? 10_000 : 30_000 });
        if (ran.hung !== undefined && !ofRemote) faults.push(`${ran.command}: hung, in the main checkout`);
        else if (mustWork && ran.code !== 0)
          faults.push(`${ran.command}: fails in the main checkout: ${excerpt(ran.output)}`);
      }
      return faults;
    },
    async lookAround() {
      return [...(await inOrder(overviews)), ...(await onScreen('ps'))];
    },
    async use(branch) {
      const worktree = world.entry(branch)?.worktree;
      // whatever git makes of what is in the worktree: it is to run nothing, and may fail
      if (worktree !== undefined) for (const words of inWorktree) await world.run(words, { cwd: worktree });
      return [...(await inOrder(uses(branch))), ...(await onScreen('ps', branch))];
    },
    async repair() {
      const shown = [...(await onScreen('doctor', '--fix')), ...(await onScreen('prune', '--min-age', '0'))];
      return [...shown, ...(await inOrder(repairs))];
    },
    async end(branch) {
      const faults = await onScreen('rm', branch);
      faults.push(
        ...(await inOrder([
          ['rm', branch, '--yes'],
          ['rm', branch, '--force'],
        ])),
      );
      faults.push(...(await onScreen('restore', branch)));
      if (world.entry(branch) !== undefined) faults.push(...(await inOrder([['run', branch]])));
      if (world.entry(branch) !== undefined)
        faults.push(...(await inOrder([['rm', branch, '--force', '-D']])));
      if (world.entry(branch) !== undefined) faults.push(`rm --force leaves ${branch}`);
      return faults;
    },
  };
}

import fs from 'node:fs';
import path from 'node:path';
import { isAlive, type ProcessIdentity } from '../../src/process/identity.ts';
import { ended, makeSandbox, root, runProgram, until, type Ran, type Sandbox } from '../support/sandbox.ts';
import { disagreements } from './agreement.ts';
import type { Scenario, Treasure } from './scenarios.ts';

export type Mode =
  'kill' | 'ENOSPC' | 'EROFS' | 'EACCES' | 'EIO' | 'fail' | '500' | 'gone' | 'hang' | 'clock';
/** The boundaries that a kind of fault applies to. */
const kinds: Readonly<Record<Mode, readonly string[]>> = {
  kill: ['file', 'commit', 'git', 'tmux', 'program', 'engine', 'end'],
  ENOSPC: ['file', 'commit'],
  EROFS: ['file', 'commit'],
  EACCES: ['file', 'commit'],
  EIO: ['file', 'commit'],
  fail: ['git', 'tmux', 'program'],
  500: ['engine'],
  gone: ['engine'],
  hang: ['engine'],
  clock: [],
};

export interface Trial {
  readonly scenario: Scenario;
  readonly mode: Mode;
  /** Number of the boundary; with `onward` it and all later ones fail. */
  readonly at: number;
  readonly onward: boolean;
  /** What is looked at right after the fault: the next ordinary command, or `hjk doctor --fix`. */
  readonly first: 'next' | 'doctor';
}

export interface Outcome {
  readonly trial: Trial;
  readonly label: string;
  /** The process came to the boundary. */
  readonly reached: boolean;
  /** The command did what it was for although the call failed. */
  readonly unharmed: boolean;
  /** `doctor` had something to repair. */
  readonly repaired: boolean;
  readonly wrong: readonly string[];
}

const preload = path.join(root, 'test/faults/preload.cjs');

/** A pump gets its environment from the tmux server: one is started before, with the fault in it. */
async function faultedPump(
  box: Sandbox,
  scenario: Scenario,
  branch: string,
  plan: Record<string, unknown>,
): Promise<Ran> {
  const { id } = box.catalog().entries.find(entry => entry.branch === branch)!;
  const socket = path.join(box.stateRoot, 'run', `${id}.sock`);
  fs.mkdirSync(path.dirname(socket), { recursive: true, mode: 0o700 });
  const env = { ...box.env, NODE_OPTIONS: `--require ${preload}`, HJK_FAULT: JSON.stringify(plan) };
  const keep = ['-S', socket, '-f', '/dev/null', 'new-session', '-d', '-s', 'fault', 'sleep', '60'];
  const server = await runProgram('tmux', keep, { cwd: box.folder, env });
  if (server.code !== 0) throw new Error(`tmux: ${server.stderr}`);
  const ran = await box.hjk(...scenario.args(branch));
  const over = (): boolean => {
    const session = box.catalog().entries.find(entry => entry.branch === branch)?.sessions[0];
    if (session === undefined) return true;
    const record = path.join(box.stateRoot, 'instances', id, `${session.id}.json`);
    const { pump, ended_at } = JSON.parse(fs.readFileSync(record, 'utf8')) as {
      pump?: ProcessIdentity;
      ended_at?: string;
    };
    return ended_at !== undefined || pump === undefined || !isAlive(pump);
  };
  await until('the pump has ended', over, 20_000);
  return ran;
}

function faulted(
  box: Sandbox,
  scenario: Scenario,
  branch: string,
  plan: Record<string, unknown>,
): Promise<Ran> {
  if (scenario.inPump === true) return faultedPump(box, scenario, branch, plan);
  const env = {
    ...box.env,
    NODE_OPTIONS: `--require ${preload}`,
    HJK_FAULT: JSON.stringify(plan),
    HEADJACK_RUNTIME_TIMEOUT: '1',
  };
  const child = box.spawn(scenario.args(branch), { env });
  child.stdin?.end('in\n');
  return ended(child);
}

/** A sandbox that trials share: after each of them it is to be as if nothing had happened. */
export class Lane {
  #box = makeSandbox();
  #count = 0;

  get box(): Sandbox {
    return this.#box;
  }

  /** A branch name that was not used before. */
  branch(): string {
    return `t${String(this.#count++)}`;
  }

  async renew(): Promise<void> {
    await this.#box[Symbol.asyncDispose]();
    this.#box = makeSandbox();
  }

  async close(): Promise<void> {
    await this.#box[Symbol.asyncDispose]();
  }
}

/** Runs the command once without a fault. Gives its boundaries, in order, as `kind label`. */
export async function countBoundaries(lane: Lane, scenario: Scenario): Promise<string[]> {
  const { box } = lane;
  const branch = lane.branch();
  await scenario.prepare(box, branch);
  const log = path.join(box.folder, 'boundaries');
  fs.rmSync(log, { force: true });
  const ran = await faulted(box, scenario, branch, { log });
  if (ran.code !== 0) throw new Error(`${scenario.name} fails without a fault: ${ran.stderr}`);
  await cleanUp(box, scenario.renamed?.(branch) ?? branch);
  const found = fs.readFileSync(log, 'utf8').trim().split('\n');
  return found.map(line => line.split('\t').slice(1).join(' '));
}

/** All trials of a scenario and mode. */
export function plan(scenario: Scenario, mode: Mode, boundaries: readonly string[]): Trial[] {
  const first = (at: number): Trial['first'] => (at % 2 === 0 ? 'next' : 'doctor');
  if (mode === 'clock') return [{ scenario, mode, at: 0, onward: false, first: 'doctor' }];
  return boundaries.flatMap((label, at): Trial[] => {
    if (!kinds[mode].includes(label.split(' ')[0] ?? '')) return [];
    const trial: Trial = { scenario, mode, at, onward: false, first: first(at) };
    const lasting = mode === 'ENOSPC' || mode === 'gone' || mode === 'EROFS';
    return lasting ? [trial, { ...trial, onward: true, first: first(at + 1) }] : [trial];
  });
}

/** One trial, from a sandbox in order to a sandbox in order. */
async function tryOne(lane: Lane, trial: Trial): Promise<Outcome> {
  const { box } = lane;
  const { scenario, mode } = trial;
  const branch = lane.branch();
  /** Under the name that it has now. */
  const named = (): string => {
    const other = scenario.renamed?.(branch);
    return other !== undefined && box.catalog().entries.some(e => e.branch === other) ? other : branch;
  };
  const wrong: string[] = [];
  const log = path.join(box.folder, 'boundaries');
  fs.rmSync(log, { force: true });
  let reached = false;
  let unharmed = false;
  let repaired = false;
  let label = '';
  try {
    const treasure = await scenario.prepare(box, branch);
    const ran = await faulted(box, scenario, branch, injection(trial, log));
    const noted = fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trim().split('\n') : [];
    label = noted.find(line => line.startsWith(`${String(trial.at)}\t`))?.replaceAll('\t', ' ') ?? '';
    reached = mode === 'clock' || label !== '';
    unharmed = ran.code === 0;
    if ((mode !== 'kill' || scenario.inPump === true) && ran.code !== 0) wrong.push(...badAnswer(ran));
    if (trial.first === 'next' || scenario.inPump === true) {
      wrong.push(...(await runNext(box, scenario, branch)));
      wrong.push(...keeps(box, named(), treasure, 'after the next command'));
      repaired = await repair(box, wrong);
    } else {
      repaired = await repair(box, wrong);
      wrong.push(...keeps(box, named(), treasure, 'after the repair'));
      wrong.push(...(await runNext(box, scenario, branch)));
    }
    wrong.push(...(await settled(box)));
    wrong.push(...keeps(box, named(), treasure, 'at the end'));
    await cleanUp(box, named());
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error));
  }
  if (wrong.length > 0) await lane.renew().catch(() => undefined);
  return { trial, label, reached, unharmed, repaired, wrong };
}

function injection(trial: Trial, log: string): Record<string, unknown> {
  if (trial.mode === 'clock') return { log, clock: -3_600_000 };
  return { log, mode: trial.mode, ...(trial.onward ? { at: trial.at, from: trial.at } : { at: trial.at }) };
}

/** A failure says what it is and what to do, with a code that was foreseen. */
function badAnswer(ran: Ran): string[] {
  const said = ran.stderr.trim();
  const wrong: string[] = [];
  if (ran.code === 1) wrong.push(`ended with 1, which means: not foreseen. ${said}`);
  // `ps` says what it knows, and warns of what it could not ask
  if (!/^(Error|Warning): .+/m.test(said)) wrong.push(`says no error: ${said}`);
  if (!/^hint: .+/m.test(said)) wrong.push(`gives no hint: ${said}`);
  return wrong;
}

async function runNext(box: Sandbox, scenario: Scenario, branch: string): Promise<string[]> {
  const { args, codes } = scenario.next(branch);
  const ran = await box.hjk(...args);
  return codes.includes(ran.code)
    ? []
    : [`then \`hjk ${args.join(' ')}\` ended with ${ran.code}: ${ran.stderr.trim()}`];
}

/** Gives whether there was something to repair. */
async function repair(box: Sandbox, wrong: string[]): Promise<boolean> {
  const ran = await box.hjk('doctor', '--fix', '--json');
  const { findings } = JSON.parse(ran.stdout) as {
    findings: { state: string; severity: string; code: string; error?: string }[];
  };
  for (const finding of findings)
    if (finding.state !== 'fixed' && finding.severity === 'problem')
      wrong.push(`doctor leaves ${finding.code}: ${finding.error ?? finding.state}`);
  wrong.push(...(await settled(box)));
  return findings.some(finding => finding.state === 'fixed');
}

/** Programs that were left running may need a moment to end by themselves. */
async function settled(box: Sandbox): Promise<string[]> {
  let last: string[] = [];
  try {
    await until('agreement', () => (last = disagreements(box)).length === 0, 3000);
    return [];
  } catch {
    return last;
  }
}

/** Whether the user's work is there, in the worktree or in a snapshot. */
function keeps(box: Sandbox, branch: string, treasure: Treasure, when: string): string[] {
  if (Object.keys(treasure.files).length === 0) return [];
  const wrong: string[] = [];
  const find = (): string | undefined =>
    box.catalog().entries.find(entry => entry.branch === branch)?.worktree;
  const missing = (place: string): string[] =>
    Object.entries(treasure.files)
      .filter(([name, text]) => {
        const file = path.join(place, name);
        return !fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text;
      })
      .map(([name]) => name);
  const place = find();
  if (place === undefined || missing(place).length > 0) {
    const stored = snapshotsOf(box, branch);
    if (stored.length === 0) return [`${when}: the work is gone, and no snapshot has it`];
    const lacking = stored.map(files =>
      Object.keys(treasure.files).filter(name => files.get(name) !== treasure.files[name]),
    );
    if (!lacking.some(names => names.length === 0))
      wrong.push(`${when}: in no snapshot is all of the work; missing: ${lacking.map(String).join(' / ')}`);
  }
  const held = box.git('rev-list', '--all', '--no-walk=unsorted', ...treasure.commits);
  for (const commit of treasure.commits)
    if (!held.includes(commit)) wrong.push(`${when}: commit ${commit} is gone`);
  return wrong;
}

/** The files of every snapshot of a branch, as git itself shows them. */
function snapshotsOf(box: Sandbox, branch: string): Map<string, string>[] {
  const refs = box.git(
    'for-each-ref',
    '--format=%(objectname) %(contents:subject)',
    'refs/headjack/snapshots',
  );
  return refs
    .split('\n')
    .filter(line => line.includes(`"branch":"${branch}"`))
    .map(line => {
      const commit = line.split(' ')[0] ?? '';
      const names = box.git('ls-tree', '-r', '--name-only', commit).split('\n').filter(Boolean);
      return new Map(names.map(name => [name, box.git('show', `${commit}:${name}`)]));
    });
}

async function cleanUp(box: Sandbox, branch: string): Promise<void> {
  if (
    fs.existsSync(path.join(box.stateRoot, 'catalog.json')) &&
    box.catalog().entries.some(e => e.branch === branch)
  )
    await box.ok('rm', branch, '--force');
}

/** Shares the trials among the lanes. */
export async function runAll(lanes: readonly Lane[], trials: readonly Trial[]): Promise<Outcome[]> {
  const waiting = [...trials];
  const outcomes: Outcome[] = [];
  await Promise.all(
    lanes.map(async lane => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        outcomes.push(await tryOne(lane, next));
    }),
  );
  return outcomes;
}

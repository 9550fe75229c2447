import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError } from '../../../../src/errors.ts';
import { createWorktreeKeeper } from '../../../../src/git/keeper.ts';
import { edits, refusable } from './edits.ts';
import { collectFacts, differences, walk } from './facts.ts';
import { makeWorld, random, runGit, type World } from './world.ts';

const names = Object.keys(edits);

export interface Outcome {
  readonly seed: number;
  readonly made: readonly string[];
  readonly how: 'restored' | 'nothing to store' | 'refused';
  /** Why it was refused. */
  readonly why?: string;
  readonly failures: readonly string[];
}

/** One state of a worktree: some edits, then removed by force and restored. All as before, or refused and nothing changed. */
export async function tryState(template: string, seed: number): Promise<Outcome> {
  const pick = random(seed);
  const count = 1 + pick(6);
  const chosen = Array.from({ length: count }, () => names[pick(names.length)]!);
  return tryEdits(template, { seed, chosen, pick });
}

export async function tryEdits(
  template: string,
  of: { readonly seed: number; readonly chosen: readonly string[]; readonly pick: (n: number) => number },
): Promise<Outcome> {
  const folder = fs.mkdtempSync(path.join(path.dirname(template), 'state-'));
  try {
    const world = makeWorld(template, folder, of.pick);
    const made = of.chosen.filter(name => {
      try {
        edits[name]!(world);
        return true;
      } catch {
        return false; // it does not fit this state
      }
    });
    const outcome = await roundTrip(world, {
      includeIgnored: of.pick(4) === 0,
      deleteBranch: of.pick(4) === 0,
    });
    const unexpected =
      outcome.how === 'refused' && !made.some(name => name in refusable)
        ? [`refused: ${outcome.why ?? ''}`]
        : [];
    return { seed: of.seed, made, ...outcome, failures: [...outcome.failures, ...unexpected] };
  } finally {
    execFileSync('chmod', ['-R', 'u+rwX', folder]);
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

interface Options {
  readonly includeIgnored: boolean;
  readonly deleteBranch: boolean;
}

async function roundTrip(world: World, options: Options): Promise<Omit<Outcome, 'seed' | 'made'>> {
  const { repo, tree } = world;
  const keeper = createWorktreeKeeper({ PATH: process.env['PATH'], HOME: '/nonexistent' });
  const subject = {
    instanceId: 'aaaaaaaa',
    commonDir: path.join(repo, '.git'),
    worktree: tree,
    branch: 'b',
    ...options,
  };
  const leave = (file: string): boolean =>
    /^(?:sub|\.git\/modules\/sub)(?:\/|$)/.test(file) ||
    (!options.includeIgnored && /(?:^|\/)node_modules(?:\/|$)|^big\.o$/.test(file));
  const before = collectFacts(world, leave);
  const refused = (why: string): Omit<Outcome, 'seed' | 'made'> => ({
    how: 'refused',
    why,
    failures: differences(before, collectFacts(world, leave)),
  });
  let aside = '';
  let snapshot = '';
  try {
    const look = await keeper.look(subject);
    if (look.unknown) return refused(look.reasons.join('; '));
    if (keeper.needsSnapshot(look)) snapshot = (await keeper.store(subject, look)).commit;
    aside = keeper.asideOf(tree, 'aaaaaaaa');
    fs.renameSync(tree, aside);
    const again = await keeper.look(subject, aside);
    if (await keeper.hasUnsaved(again, snapshot)) {
      fs.renameSync(aside, tree);
      return {
        how: 'refused',
        why: `it holds more than the snapshot: ${again.reasons.join('; ')}`,
        failures: ['unsaved'],
      };
    }
  } catch (error) {
    if (!(error instanceof HeadjackError)) throw error;
    if (fs.existsSync(aside)) fs.renameSync(aside, tree);
    return refused(`${error.code}: ${error.message}`);
  }
  if (snapshot === '') return { how: 'nothing to store', failures: checkClean(world, { aside, leave }) };
  keeper.deleteFolder(aside);
  runGit(repo, 'worktree', 'prune', '--expire=now');
  if (options.deleteBranch) runGit(repo, 'branch', '-qD', 'b');
  // the stashes of the repository are a reflog too, and stay
  const refs = runGit(repo, 'for-each-ref', '--format=%(refname)', 'refs/heads').split('\n').filter(Boolean);
  runGit(repo, 'reflog', 'expire', '--expire=now', 'HEAD', ...refs);
  runGit(repo, 'prune', '--expire=now');
  const [stored] = await keeper.listSnapshots(subject.commonDir);
  if (stored?.commit !== snapshot) return { how: 'restored', failures: ['the snapshot is not listed'] };
  const plan = await keeper.planRestore(subject.commonDir, stored, undefined);
  runGit(repo, 'worktree', 'add', '-q', '--no-checkout', '--detach', tree, snapshot);
  const metadata = keeper.findMetadata(subject.commonDir, tree);
  if (metadata === undefined) return { how: 'restored', failures: ['no worktree was made'] };
  await keeper.restore(metadata, tree, stored, plan);
  return { how: 'restored', failures: differences(before, collectFacts(world, leave)) };
}

/** What is deleted unstored is what a checkout of the branch gives. */
function checkClean(
  world: World,
  { aside, leave }: { readonly aside: string; readonly leave: (file: string) => boolean },
): string[] {
  const { folder, repo } = world;
  const fresh = path.join(folder, 'fresh');
  const head = runGit(aside, 'rev-parse', 'HEAD').trim();
  runGit(repo, 'worktree', 'add', '-q', '--detach', fresh, head);
  const kept = runGit(repo, 'for-each-ref', '--contains', head, 'refs/heads', 'refs/tags', 'refs/remotes');
  const contents = (root: string): Record<string, string> => {
    const skip = (file: string): boolean =>
      file === '.git' || leave(file) || /^(?:clone|unborn)(?:\/|$)/.test(file);
    const files = Object.keys(walk(root, skip)).filter(file => !file.endsWith('/'));
    const read = (file: string): string => {
      const place = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(file, 'latin1')]);
      return fs.lstatSync(place).isSymbolicLink()
        ? fs.readlinkSync(place, 'latin1')
        : fs.readFileSync(place, 'latin1').replaceAll('\r\n', '\n');
    };
    return Object.fromEntries(files.map(file => [file, read(file)]));
  };
  const deleted = contents(aside);
  const again = contents(fresh);
  const missing = Object.keys(deleted).filter(file => deleted[file] !== again[file]);
  return [...(kept === '' ? ['HEAD is lost'] : []), ...missing.map(file => `${file} is lost`)];
}

import { HeadjackError } from '../errors.ts';
import { sleep } from '../process/sleep.ts';
import { findRefLink } from './ref-files.ts';
import { gitFailed, type Plumbing } from './plumbing.ts';

/** What holds commits for good. Snapshots do: they hold what was deleted by force. */
const HOLDERS = ['refs/heads', 'refs/tags', 'refs/remotes', 'refs/headjack/snapshots'];

/** Others change the same refs at the same time; each try looks anew at what holds the commits by then. */
const TRIES = 20;

/** `kept`: it holds commits that nothing else has, or git would follow a link. `moved`: it is not at that commit, or gone. */
export type BranchDeletion = 'deleted' | 'kept' | 'moved';

/**
 * Deletes a branch that is at `tip`, if another ref holds its commits: that one is held in place by the same transaction, so two
 * deletions, also of two state roots, can never count on each other. A branch that is a symbolic ref is deleted itself, never what
 * it leads to. No hook runs.
 */
export async function deleteBranch(
  git: Plumbing,
  commonDir: string,
  { name, tip }: { readonly name: string; readonly tip: string },
): Promise<BranchDeletion> {
  const ref = `refs/heads/${name}`;
  if (findRefLink(commonDir, name) !== undefined) return 'kept';
  for (let round = 1; ; round++) {
    const at = (await git.try(['rev-parse', '--verify', '--quiet', ref])).stdout.toString('latin1').trim();
    if (at !== tip) return 'moved';
    const holder = await findHolder(git, ref, tip);
    if (holder === undefined) return 'kept';
    const input = [
      'start',
      `verify ${holder.ref} ${holder.object}`,
      'option no-deref',
      `delete ${ref} ${tip}`,
      'prepare',
      'commit',
      '',
    ].join('\n');
    const args = ['update-ref', '--stdin'];
    const done = await git.try(args, { input });
    if (done.code === 0) return 'deleted';
    if (round === TRIES)
      throw new HeadjackError('git_failed', gitFailed(args, done).message, {
        hint: `see to what git says; the branch is kept: git branch -D ${name}`,
      });
    await sleep(5 + Math.random() * 10 * round);
  }
}

/** A ref that keeps the commit reachable once `without` is gone. */
async function findHolder(
  git: Plumbing,
  without: string,
  commit: string,
): Promise<{ ref: string; object: string } | undefined> {
  const format = '%(objectname) %(refname)%00%(symref)';
  const listing = await git.text(['for-each-ref', `--contains=${commit}`, `--format=${format}`, ...HOLDERS]);
  for (const line of listing.split('\n')) {
    const [named = '', symref] = line.split('\0');
    const object = named.slice(0, Math.max(0, named.indexOf(' ')));
    const ref = named.slice(object.length + 1);
    if (object !== '' && symref === '' && ref !== without) return { ref, object };
  }
  return undefined;
}

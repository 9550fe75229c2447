import { findObject, type Plumbing } from './plumbing.ts';

/** How a branch came into another one. */
export type MergedHow = 'merged' | 'rebased' | 'squashed';

/**
 * Whether everything that a branch holds is in one of the others: its commits themselves, commits that make the same changes, or
 * one commit that makes them all at once. Network is never used.
 * @param bases refs of branches that stay
 */
export async function findMerged(
  git: Plumbing,
  tip: string,
  bases: readonly string[],
): Promise<{ how: MergedHow; into: string } | undefined> {
  for (const into of bases) {
    const base = await findObject(git, `${into}^{commit}`);
    if (base === undefined) continue;
    const how = await mergedInto(git, tip, base);
    if (how !== undefined) return { how, into };
  }
  return undefined;
}

async function mergedInto(git: Plumbing, tip: string, base: string): Promise<MergedHow | undefined> {
  if ((await git.try(['merge-base', '--is-ancestor', tip, base])).code === 0) return 'merged';
  const fork = (await git.try(['merge-base', tip, base])).stdout.toString('latin1').trim();
  if (fork === '') return undefined;
  // `git cherry` marks with `-` what the base has the like of, by patch id
  if (await allThere(git, base, tip)) return 'rebased';
  const who = {
    GIT_AUTHOR_NAME: 'headjack',
    GIT_AUTHOR_EMAIL: 'headjack@localhost',
    GIT_COMMITTER_NAME: 'headjack',
    GIT_COMMITTER_EMAIL: 'headjack@localhost',
    GIT_AUTHOR_DATE: '@0 +0000',
    GIT_COMMITTER_DATE: '@0 +0000',
  };
  const tree = await findObject(git, `${tip}^{tree}`);
  if (tree === undefined) return undefined;
  const squash = await git.text(['commit-tree', tree, '-p', fork], { env: who, input: 'squash' });
  if (await allThere(git, base, squash.trim())) return 'squashed';
  // the same lines may have come in several commits, or beside others: then merging the branch changes nothing
  const merge = await git.try(['merge-tree', '--write-tree', base, tip]);
  const result = merge.stdout.toString('latin1').trim();
  return merge.code === 0 && result === (await findObject(git, `${base}^{tree}`)) ? 'squashed' : undefined;
}

async function allThere(git: Plumbing, base: string, tip: string): Promise<boolean> {
  const lines = (await git.text(['cherry', base, tip])).split('\n').filter(line => line !== '');
  return lines.length > 0 && lines.every(line => line.startsWith('- '));
}

/** The branches that work is merged into: what the remotes call their default, and `main`, `master` or the checked out one here. */
export async function findBases(git: Plumbing, except: string): Promise<string[]> {
  const format = '--format=%(refname)%00%(symref)';
  const listing = await git.text([
    'for-each-ref',
    format,
    'refs/remotes',
    'refs/heads/main',
    'refs/heads/master',
  ]);
  const found = new Set<string>();
  for (const line of listing.split('\n')) {
    const [name = '', target = ''] = line.split('\0');
    if (/^refs\/remotes\/[^/]+\/HEAD$/.test(name) && target !== '') found.add(target);
    if (/^refs\/(heads|remotes\/[^/]+)\/(main|master)$/.test(name)) found.add(name);
  }
  const head = (await git.try(['symbolic-ref', '--quiet', 'HEAD'])).stdout.toString('utf8').trim();
  if (head !== '') found.add(head);
  found.delete(`refs/heads/${except}`);
  return [...found];
}

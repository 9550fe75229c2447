import { shortHash } from './hash.ts';

/** The storage reference's rule: `/` becomes `-`, only `a-zA-Z0-9-_` stays, dashes at both ends go. May be empty. */
export function sanitizeBranch(branch: string): string {
  return branch
    .replaceAll('/', '-')
    .replaceAll(/[^a-zA-Z0-9_-]/g, '')
    .replaceAll(/^-+|-+$/g, '');
}

/**
 * The folder of a branch's worktree, below its repository's. `taken` holds the folder names that other branches of the
 * repository already have; a clash, or a name that sanitizes to nothing, gets `-<6 hex of the branch>`.
 */
export function worktreeFolder(branch: string, taken: ReadonlySet<string>): string {
  const plain = sanitizeBranch(branch);
  if (plain !== '' && !taken.has(plain)) return plain;
  const hashed = `${plain === '' ? 'branch' : plain}-${shortHash(branch, 6)}`;
  return taken.has(hashed) ? `${hashed}-${shortHash(`${branch}\n${String(taken.size)}`, 6)}` : hashed;
}

/**
 * Whether git accepts the name as a branch: the rules of `git check-ref-format --branch`, less the `@{-N}` shorthand.
 */
export function isValidBranch(branch: string): boolean {
  if (branch === '' || branch === '@' || branch === 'HEAD' || branch.startsWith('-')) return false;
  if (branch.startsWith('/') || branch.endsWith('/') || branch.endsWith('.')) return false;

  if (/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\//.test(branch)) return false;
  return branch.split('/').every(part => !part.startsWith('.') && !part.endsWith('.lock'));
}

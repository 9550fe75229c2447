import path from 'node:path';
import { sanitizeBranch } from './branch.ts';
import { shortHash } from './hash.ts';

/** A git repository as hjk sees it: all absolute paths. */
export interface Repository {
  /** The main checkout, or the git directory of a bare repository. */
  readonly root: string;
  /** Real path of the common git directory: what two worktrees of one repository share. */
  readonly commonDir: string;
  readonly bare: boolean;
}

/** `<name>-<6 hex of sha256(real path of the common git dir)>`. */
export function repositoryId(repository: Repository): string {
  const name = sanitizeBranch(path.basename(repository.root).replace(/\.git$/, ''));
  return `${name === '' ? 'repo' : name}-${shortHash(repository.commonDir, 6)}`;
}

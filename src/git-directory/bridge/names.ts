import { isValidBranch } from '../../core/branch.ts';

const LONGEST_NAME = 200;

/** A name of ours as git's output and input are read and written here: a char a byte. */
export function asBytes(name: string): string {
  return Buffer.from(name, 'utf8').toString('latin1');
}

/** Where what the host keeps for an instance lies. */
export const keptRef = (instanceId: string, branch: string): string =>
  `refs/headjack/instances/${instanceId}/${branch}`;
export const markRef = (instanceId: string, mark: string): string =>
  `refs/headjack/moved/${instanceId}/${mark}`;

/** Whether a ref that a program inside made may have this name on the host at all. */
export function isWelcome(ref: string): boolean {
  const name = /^refs\/(?:heads|tags)\/(.+)$/.exec(ref)?.[1];
  return (
    name !== undefined &&
    ref.length <= LONGEST_NAME &&
    isValidBranch(name) &&
    // a name of bytes that are no printable ASCII could look like another one, in a terminal or on a file system
    /^[\u0021-\u007e]+$/.test(name) &&
    !name.split('/').some(part => part.startsWith('-')) &&
    // what git takes for a commit or a place of its own before it takes it for a branch
    !/^[0-9a-f]{4,64}$/i.test(name) &&
    !/(?:^|\/)[A-Z_]*HEAD$/i.test(name) &&
    !/^(?:refs|heads|tags|remotes|stash|headjack|bisect|worktree|main-worktree|worktrees|logs|objects|hooks|info)(?:\/|$)/i.test(
      name,
    )
  );
}

/**
 * Names that are not free: those of the host's refs in every short form, so that nothing that arrives can stand in for what the user
 * means by a name. A file system may fold case, and a folder cannot have the name of a file.
 */
export class TakenNames {
  readonly #names = new Set<string>();
  readonly #folders = new Set<string>();

  constructor(refs: Iterable<string>) {
    for (const ref of refs) this.add(ref);
  }

  add(ref: string): void {
    const remote = /^refs\/remotes\/([^/]+)\/(.+)$/.exec(ref);
    const short = /^refs\/(?:heads|tags|remotes)\/(.+)$/.exec(ref)?.[1];
    for (const name of [short, remote?.[1], remote?.[2]]) {
      if (name === undefined) continue;
      const folded = name.toLowerCase();
      this.#names.add(folded);
      const parts = folded.split('/');
      for (let i = 1; i < parts.length; i++) this.#folders.add(parts.slice(0, i).join('/'));
    }
  }

  has(ref: string): boolean {
    const name = ref.replace(/^refs\/(?:heads|tags)\//, '').toLowerCase();
    const parts = name.split('/');
    return (
      this.#names.has(name) ||
      this.#folders.has(name) ||
      parts.some((_part, i) => i > 0 && this.#names.has(parts.slice(0, i).join('/')))
    );
  }
}

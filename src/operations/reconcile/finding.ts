/** What a repair may cost. */
type Risk = 'none' | 'ends programs' | 'deletes files';

/** Something that is not as it should be. Codes are stable: scripts may rely on them. */
export interface Finding {
  readonly code: FindingCode;
  /** A `note` is worth knowing, and no disagreement: it does not change the exit code. */
  readonly severity: 'problem' | 'note';
  /** A branch, a path, a program. */
  readonly subject: string;
  /** What `--adopt` and `--remove` take: an instance's or a session's id. '' where there is nothing to choose. */
  readonly id: string;
  readonly evidence: readonly string[];
  /** What sets it right, in words: what `--fix` does, or the command to type. */
  readonly repair: string;
  readonly risk: Risk;
  /** `--fix` does it without being asked: nothing can be lost by it. */
  readonly automatic: boolean;
  /** What the user may decide. */
  readonly choices: readonly ('adopt' | 'remove')[];
}

export type Repair = () => void | Promise<void>;

/** A finding with its repairs. */
export interface Found extends Finding {
  readonly fix?: Repair;
  readonly adopt?: Repair;
  readonly remove?: Repair;
}

export const findingCodes = {
  'operation-dead': 'A verb was killed while it worked on the instance.',
  'operation-suspended': 'A verb that works on the instance is suspended.',
  'status-differs': 'The catalog and the engine do not agree on whether the instance runs.',
  'container-gone': 'The container of an instance is gone; `hjk run` makes a new one.',
  'container-double': 'A second container of an instance that never ran.',
  'container-stranger': 'The catalog names a container that is not of this instance.',
  'instance-failed': 'The last attempt to bring the instance up failed.',
  'worktree-gone': 'The worktree of an instance is gone, or no longer one of its repository.',
  'worktree-unlocked': 'The lock that keeps `git worktree prune` from the worktree is missing.',
  'repository-gone': 'The repository of an instance is gone, or was moved.',
  'session-lost': 'The process that carries a session died; its program may still run.',
  'mask-lifted': 'A file that containers must not write was replaced while they ran.',
  'git-shared':
    "An instance of the older kind: its container has the repository's git directory, with masks.",
  'instance-orphan': 'A container or worktree of ours that the catalog does not know.',
  'program-orphan': 'A program in a container that belongs to no session.',
  'plain-left': 'A program of `exec --no-mux` whose hjk was killed.',
  'folder-stray': 'Something in the folder of the worktrees that is no worktree of the catalog.',
  'files-left': 'Files of an instance that is gone.',
  'terminal-left': 'A tmux server of an instance that is gone.',
  'order-left': 'The order to start a session, with its variables, that nobody took.',
  'temp-left': 'Temporary files of a process that was killed.',
  'probe-left': 'A container that only served to look into an image.',
  'guard-left': "A file that protected the repository's git directory, of no use any more.",
  'lock-stale': 'A lock on the catalog that a killed process left; the next writer removes it, too.',
  'catalog-unusable': 'The catalog cannot be read.',
  'config-invalid': 'config.yaml cannot be used, or has keys that nothing reads.',
  'node-old': 'Node is older than what hjk is made for.',
  'git-unusable': 'git is missing or too old.',
  'tmux-unusable': 'tmux is missing or too old.',
  'engine-unusable': 'The container engine does not answer, or is too old.',
  'image-missing': 'The image that instances are made of is not on the engine.',
  'disk-low': 'Little space is left on the disk.',
  'folder-open': 'Other users may read or write what is ours.',
  'path-long': 'A path is longer than what it is needed for allows.',
} as const satisfies Record<string, string>;

type FindingCode = keyof typeof findingCodes;

/** A finding with what is usual left out. */
export function found(
  given: Pick<Finding, 'code' | 'subject' | 'repair'> &
    Partial<Pick<Finding, 'severity' | 'id' | 'evidence' | 'risk'>> &
    Pick<Found, 'fix' | 'adopt' | 'remove'>,
): Found {
  return {
    severity: 'problem',
    id: '',
    evidence: [],
    risk: 'none',
    ...given,
    automatic: given.fix !== undefined,
    choices: [
      ...(given.adopt === undefined ? [] : (['adopt'] as const)),
      ...(given.remove === undefined ? [] : (['remove'] as const)),
    ],
  };
}

/** Every failure that hjk reports: code → exit code and one sentence for docs/errors.md, which is generated from this table. */
export const errorTable = {
  unexpected: {
    exit: 1,
    meaning: 'Something that hjk did not foresee; run again with `-v` for the details.',
  },
  usage: {
    exit: 2,
    meaning: 'The command line is wrong: an unknown command or flag, a bad value, a missing word.',
  },
  config_invalid: {
    exit: 2,
    meaning: 'config.yaml cannot be used; each problem is named with its file, line and key.',
  },
  path_invalid: {
    exit: 2,
    meaning: 'A path or profile given by flag, variable or config.yaml cannot be used.',
  },
  not_a_repository: {
    exit: 2,
    meaning: 'The current directory, `-C` or HEADJACK_WORKSPACE is in no git repository.',
  },
  branch_invalid: { exit: 2, meaning: 'git does not accept this branch name.' },
  terminal_required: { exit: 2, meaning: 'The command needs a terminal, or the flag that replaces it.' },
  devcontainer_invalid: { exit: 2, meaning: 'The devcontainer.json of the branch cannot be used.' },
  no_commits: { exit: 2, meaning: 'The repository has no commit that a branch could start from.' },
  instance_not_found: { exit: 3, meaning: 'The branch has no instance.' },
  session_not_found: { exit: 3, meaning: 'The instance has no such session.' },
  snapshot_not_found: { exit: 3, meaning: 'The repository has no such snapshot.' },
  log_not_found: { exit: 3, meaning: 'The session has no log file.' },
  ref_not_found: { exit: 3, meaning: 'The commit, branch or tag that was named does not exist.' },
  name_taken: { exit: 4, meaning: 'A live session of the instance has this name.' },
  branch_in_use: { exit: 4, meaning: 'The branch is checked out elsewhere.' },
  branch_ambiguous: { exit: 4, meaning: 'The branch exists on several remotes; name the one to follow.' },
  path_in_the_way: { exit: 4, meaning: 'Something that is not ours lies where the worktree would go.' },
  busy: { exit: 4, meaning: 'Another hjk or git works on this instance.' },
  operation_lost: { exit: 4, meaning: 'Another hjk took the operation over while this one was suspended.' },
  instance_exists: { exit: 4, meaning: 'The branch has an instance already.' },
  branch_moved: {
    exit: 4,
    meaning: 'The branch is not where it has to be for this, and is never moved back.',
  },
  options_differ: { exit: 4, meaning: 'The instance exists and was made with other options.' },
  not_running: { exit: 4, meaning: 'The instance or session is in a state in which this cannot be done.' },
  session_ended: { exit: 4, meaning: 'The session has ended.' },
  worktree_nested: {
    exit: 4,
    meaning: 'Another worktree or a mount point lies inside the folder that would be deleted.',
  },
  unsafe: { exit: 5, meaning: 'Work would be lost; the list says what. Nothing was changed.' },
  confirmation_required: {
    exit: 5,
    meaning: 'The question cannot be asked without a terminal; pass the flag that answers it.',
  },
  untrusted: {
    exit: 5,
    meaning:
      'The devcontainer.json of the branch reaches this machine and is not approved; the list says how.',
  },
  lock_timeout: { exit: 6, meaning: 'The catalog stayed locked for 5 seconds; the holder is named.' },
  engine_unreachable: { exit: 7, meaning: 'No container engine answers.' },
  engine_permission: { exit: 7, meaning: 'The engine is there, but this user may not use its socket.' },
  engine_unsupported: { exit: 7, meaning: 'The engine is of a kind that this build cannot use.' },
  image_missing: { exit: 7, meaning: 'The image is not on the engine.' },
  image_unsuitable: { exit: 7, meaning: 'The image lacks what an instance needs (a POSIX `sh`).' },
  engine_program_missing: {
    exit: 7,
    meaning: 'The program `docker` or `podman`, which a devcontainer.json needs, is not installed.',
  },
  devcontainer_missing: {
    exit: 7,
    meaning: 'The devcontainer CLI, which a devcontainer.json needs, is not installed.',
  },
  git_missing: { exit: 7, meaning: 'git is not installed.' },
  tmux_missing: { exit: 7, meaning: 'tmux is not installed.' },
  git_failed: { exit: 8, meaning: 'A git command failed; its own message follows.' },
  engine_failed: { exit: 8, meaning: 'The engine refused or failed a request; its own message follows.' },
  tmux_failed: { exit: 8, meaning: 'A tmux command failed.' },
  session_failed: { exit: 8, meaning: 'The session could not be started or its end is not known.' },
  kill_failed: { exit: 8, meaning: 'Processes of the session are still running; they are listed.' },
  image_build_failed: { exit: 8, meaning: 'The base image could not be built.' },
  devcontainer_failed: {
    exit: 8,
    meaning:
      'The devcontainer CLI failed; its own message follows. Nothing of it is left but what was written to the worktree.',
  },
  disk_full: { exit: 8, meaning: 'No space is left on a disk; what was begun is kept for another try.' },
  file_failed: { exit: 8, meaning: 'A file or folder cannot be read, written or removed.' },
  command_failed: { exit: 8, meaning: 'A program that hjk started failed.' },
  catalog_empty: { exit: 9, meaning: 'The catalog is an empty file although instances have existed.' },
  catalog_damaged: { exit: 9, meaning: 'The catalog is no whole JSON document.' },
  catalog_foreign: { exit: 9, meaning: 'The file is JSON, but no catalog.' },
  catalog_too_new: { exit: 9, meaning: 'The catalog was written by a newer headjack.' },
  catalog_invalid: {
    exit: 9,
    meaning: 'The catalog holds an entry that cannot be trusted; each problem is named.',
  },
  catalog_unreadable: {
    exit: 9,
    meaning: 'The catalog cannot be read or written (permissions, disk, not a file).',
  },
  interrupted: { exit: 130, meaning: 'Interrupted by Ctrl-C.' },
  terminated: { exit: 143, meaning: 'Ended by SIGTERM.' },
} as const satisfies Record<string, { exit: number; meaning: string }>;

export type ErrorCode = keyof typeof errorTable;

export interface ErrorInfo {
  /** The command to type next, without the word `hint:`. */
  readonly hint?: string | undefined;
  /** Machine-readable facts, shown by `--json` and, when it is a list of strings, below the message. */
  readonly details?: unknown;
  readonly cause?: unknown;
}

/** The one error type that leaves the library. `message` is one line in the present tense that names the thing. */
export class HeadjackError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, info: ErrorInfo = {}) {
    super(message, info.cause === undefined ? undefined : { cause: info.cause });
    this.name = 'HeadjackError';
    this.code = code;
    this.hint = info.hint;
    this.details = info.details;
  }

  get exitCode(): number {
    return errorTable[this.code].exit;
  }
}

/** The `code` of a Node system error (`ENOENT`, …), if it has one. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Whether it says that a disk is full. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '');
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Runs `action` and gives `fallback` where it fails with one of the system error codes. */
export function ignoring<T, U>(codes: readonly string[], action: () => T, fallback: U): T | U {
  try {
    return action();
  } catch (error) {
    if (codes.includes(errnoOf(error) ?? '')) return fallback;
    throw error;
  }
}

const systemErrors: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  ENOSPC: ['no space is left on the disk', 'make room, then run the command again'],
  EDQUOT: ['the disk quota is used up', 'make room, then run the command again'],
  EROFS: [
    'the file system is read-only',
    'mount it for writing, or move the files: hjk paths shows where they are',
  ],
  EACCES: ['permission is denied', 'look at who owns it: ls -ld'],
  EPERM: ['the operation is not permitted', 'look at who owns it: ls -ld'],
  EIO: ['the disk reports an error', 'look at the system log: dmesg | tail'],
  EMFILE: ['too many files are open', 'raise the limit: ulimit -n 4096'],
  ENFILE: ['too many files are open on this machine', 'end some programs, then try again'],
};

/** A Node system error that nobody foresaw, in words; anything else as it is. */
export function explainSystemError(error: unknown): unknown {
  if (error instanceof HeadjackError || !(error instanceof Error)) return error;
  const code = errnoOf(error) ?? '';
  const known = systemErrors[code];
  if (known === undefined) return error;
  const [what, hint] = known;
  const place = 'path' in error && typeof error.path === 'string' ? `${error.path}: ` : '';
  return new HeadjackError(
    /^(ENOSPC|EDQUOT)$/.test(code) ? 'disk_full' : 'file_failed',
    `${place}${what} (${code})`,
    {
      hint,
      cause: error,
    },
  );
}

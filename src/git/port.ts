/** Where `run` gets the branch of a new instance from, and the commit that it begins at. */
export type BranchOrigin =
  | { readonly kind: 'local'; readonly commit: string }
  | { readonly kind: 'remote'; readonly commit: string; readonly remote: string }
  | { readonly kind: 'new'; readonly commit: string };

/** A file as a commit has it. */
export interface CommitFile {
  /** From the root of the tree on. */
  readonly path: string;
  /** A symbolic link; its content is where it leads. */
  readonly link: boolean;
  readonly content: Buffer;
}

/** The git of one repository, seen from the main checkout. Errors are HeadjackErrors. */
export interface RepositoryGit {
  /**
   * Finds out where the branch comes from. Never fetches.
   * @param from a commit to start a new branch from
   * @throws branch_ambiguous, no_commits, ref_not_found, options_differ
   */
  planBranch(branch: string, from: string | undefined): Promise<BranchOrigin>;
  /** @throws branch_in_use where the branch is checked out in another worktree than `worktree` */
  requireNotCheckedOut(branch: string, worktree: string): Promise<void>;
  /** Adds the worktree, making the branch where it is new, with its upstream where one can be told. */
  addWorktree(worktree: string, branch: string, origin: BranchOrigin): Promise<void>;
  /** Adds a worktree at a commit, detached and without files. */
  addEmptyWorktree(worktree: string, commit: string): Promise<void>;
  /** Forgets a worktree whose folder is gone. Already forgotten is fine. */
  forgetWorktree(worktree: string): Promise<void>;
  /** Gives branch `to` the upstream of `from`, if it has none. */
  copyUpstream(from: string, to: string): Promise<void>;
  /** Moves a branch from `old` to `tip`, if it still is at `old`. */
  advanceBranch(branch: string, tip: string, old: string): Promise<boolean>;
  findCommit(ref: string): Promise<string | undefined>;
  /** Files of a commit, and folders with everything in them, by their paths from the root on; those that it has not are left out. */
  readFiles(
    commit: string,
    wanted: { readonly files: readonly string[]; readonly folders: readonly string[] },
  ): Promise<CommitFile[]>;
  identity(): Promise<{ name: string | undefined; email: string | undefined }>;
  /** Remotes that are paths of this machine. */
  localRemotes(): Promise<string[]>;
}

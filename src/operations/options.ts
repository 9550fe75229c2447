import type { RunFlag } from '../container/run-flags.ts';

export type PullPolicy = 'missing' | 'always' | 'never';

/** What `hjk run` was asked for. */
export interface RunOptions {
  readonly branch: string;
  readonly from: string | undefined;
  readonly image: string | undefined;
  /** Which devcontainer.json of the branch, as `devcontainerPlace` reads it; never with `image`. */
  readonly devcontainer: string | undefined;
  /** As written: `512m`. */
  readonly memory: string | undefined;
  readonly cpus: string | undefined;
  readonly pids: string | undefined;
  readonly network: string | undefined;
  /** `NAME=value`, or `NAME` for the caller's value. */
  readonly env: readonly string[];
  readonly envFiles: readonly string[];
  readonly volumes: readonly string[];
  readonly ports: readonly string[];
  /** The container runtime's own flags that have no field here. */
  readonly flags: readonly RunFlag[];
  /** Whether the image is fetched: where it is not on the engine, whatever is there, not at all. */
  readonly pull: PullPolicy;
  readonly sshAgent: boolean;
  readonly writableSubmodules: boolean;
  /** Folders that the repository names, which its containers may have. */
  readonly allowPaths: readonly string[];
}

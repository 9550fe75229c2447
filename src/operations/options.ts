/** What `hjk run` was asked for. */
export interface RunOptions {
  readonly branch: string;
  readonly from: string | undefined;
  readonly image: string | undefined;
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
  readonly sshAgent: boolean;
  readonly writableSubmodules: boolean;
}

import type { PlainStreams } from '../operations/exec-plain.ts';

/** The process as commands see it: the only way to its streams and environment. */
export interface Io {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdin: PlainStreams['stdin'] & { readonly isTTY?: boolean };
  readonly stdout: PlainStreams['stdout'] & {
    readonly isTTY?: boolean;
    readonly columns?: number;
    readonly rows?: number;
  };
  readonly stderr: PlainStreams['stderr'] & { readonly isTTY?: boolean };
  /** Aborted at INT, TERM and HUP, with the error to report. */
  readonly signal: AbortSignal;
}

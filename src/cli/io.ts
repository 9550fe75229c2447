import type { PlainStreams } from '../operations/exec-plain.ts';

/** The process as commands see it: the only way to its streams and environment. */
export interface Io {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Writes part of the answer to stdout, at once. (Making a stream of stdout costs a tenth of Node's start.) */
  readonly write: (text: string | Buffer) => void;
  readonly isTerminal: (stream: 'stdin' | 'stdout' | 'stderr') => boolean;
  /** The streams themselves, for what works on them; opened when they are asked for. */
  readonly stdin: PlainStreams['stdin'];
  readonly stdout: PlainStreams['stdout'] & { readonly columns?: number; readonly rows?: number };
  readonly stderr: PlainStreams['stderr'];
  /** Aborted at INT, TERM and HUP, with the error to report. */
  readonly signal: AbortSignal;
}

import type { Headjack, HeadjackOptions } from '../headjack.ts';
import type { Io } from './io.ts';
import type { Output } from './output.ts';

/** What a command's handler gets. */
export interface CommandContext {
  readonly io: Io;
  readonly output: Output;
  /** `--json` was given. */
  readonly json: boolean;
  /** Words after `--`, of commands that hand them on. */
  readonly trailing: readonly string[];
  /** Opens headjack with the global flags; tells of unknown keys in config.yaml. */
  readonly open: (verb: string) => Promise<Headjack>;
}

export type OpenHeadjack = (options: HeadjackOptions) => Promise<Headjack>;

/** A handler gives the exit code; nothing is 0. */
export type Handler<Options> = (
  context: CommandContext,
  words: readonly string[],
  options: Options,
) => Promise<number | undefined>;

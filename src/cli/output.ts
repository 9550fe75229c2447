import { HeadjackError, messageOf } from '../errors.ts';
import { printable, printableJson, printableText } from '../core/printable.ts';
import type { Io } from './io.ts';

const JSON_SCHEMA = 1;

/** stdout is the answer, stderr is everything else. */
export interface Output {
  /** A line, or several, of the answer. */
  answer(text: string): void;
  /** Text as it is. */
  raw(text: string | Buffer): void;
  /** The one document of `--json`. */
  json(document: Record<string, unknown>): void;
  /** A note for people: on a terminal, or with `-v`. */
  note(text: string): void;
  /** Something that went wrong although the command goes on. */
  warn(text: string): void;
  error(error: unknown): void;
  /** Whether the answer may have colours. */
  readonly colors: boolean;
}

export interface OutputModes {
  readonly json: boolean;
  readonly verbose: boolean;
}

function wantsColors(io: Io): boolean {
  const forced = io.env['FORCE_COLOR'];
  if (forced !== undefined && forced !== '') return forced !== '0';
  if ((io.env['NO_COLOR'] ?? '') !== '' || io.env['TERM'] === 'dumb') return false;
  return io.isTerminal('stdout');
}

/** Our own colours stay; what else names and files could do to a terminal is shown as an escape. */
function harmless(text: string): string {
  return text
    .split(/(\u001b\[3[1239]m)/)
    .map((part, i) => (i % 2 === 1 ? part : printableText(part)))
    .join('');
}

export function createOutput(io: Io, modes: OutputModes): Output {
  const stderr = (text: string): void => {
    io.stderr.write(`${text}\n`);
  };
  return {
    answer: text => {
      io.write(`${harmless(text)}\n`);
    },
    raw: text => {
      io.write(text);
    },
    json: document => {
      io.write(`${printableJson({ schema: JSON_SCHEMA, ...document })}\n`);
    },
    note(text) {
      if (io.isTerminal('stderr') || modes.verbose) stderr(printableText(text));
    },
    warn: text => {
      stderr(`Warning: ${printableText(text)}`);
    },
    error(error) {
      const known = error instanceof HeadjackError ? error : unexpected(error, modes.verbose);
      if (modes.json) {
        const { code, message, hint, exitCode, details } = known;
        stderr(
          printableJson({
            schema: JSON_SCHEMA,
            error: {
              code,
              message,
              ...(hint === undefined ? {} : { hint }),
              exit_code: exitCode,
              ...(details === undefined ? {} : { details }),
            },
          }),
        );
        return;
      }
      stderr(`Error: ${printable(known.message)}`);
      if (Array.isArray(known.details))
        for (const line of known.details) stderr(`  - ${printable(String(line))}`);
      if (known.hint !== undefined) stderr(`hint: ${printable(known.hint)}`);
      if (modes.verbose && known.cause !== undefined)
        stderr(`cause: ${printableText(messageOf(known.cause))}`);
      if (modes.verbose && known.details !== undefined && !Array.isArray(known.details))
        stderr(`details: ${printableJson(known.details)}`);
    },
    get colors() {
      return wantsColors(io);
    },
  };
}

function unexpected(error: unknown, verbose: boolean): HeadjackError {
  const text =
    verbose && error instanceof Error && error.stack !== undefined ? error.stack : messageOf(error);
  return new HeadjackError('unexpected', text.split('\n')[0] ?? text, {
    hint: verbose ? undefined : 'run it again with -v for the details',
    details: verbose ? text.split('\n').slice(1) : undefined,
    cause: error,
  });
}

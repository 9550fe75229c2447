import { createInterface } from 'node:readline/promises';
import { printableText } from '../core/printable.ts';
import { HeadjackError } from '../errors.ts';
import type { CommandContext } from './context.ts';

/**
 * Asks a question on the terminal; anything but yes is no.
 * @param question what it is about, in lines; `what` and `instead` are for the error without a terminal
 * @throws HeadjackError confirmation_required without a terminal
 */
export async function confirm(
  context: CommandContext,
  about: { readonly question: string; readonly what: string; readonly instead: string },
): Promise<boolean> {
  const { stdin, stderr } = context.io;
  if (!context.io.isTerminal('stdin') || !context.io.isTerminal('stdout'))
    throw new HeadjackError('confirmation_required', `${about.what} needs a confirmation`, {
      hint: about.instead,
    });
  stderr.write(`${printableText(about.question)}\n`);
  const reader = createInterface({ input: stdin, output: stderr });
  try {
    const answer = await reader.question('Are you sure? [y/N] ', { signal: context.io.signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    throw context.io.signal.aborted ? context.io.signal.reason : error;
  } finally {
    reader.close();
  }
}

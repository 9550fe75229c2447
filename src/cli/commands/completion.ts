import { findNearest } from '../../core/nearest.ts';
import { HeadjackError } from '../../errors.ts';
import { completionShells, formatCompletion } from '../completion.ts';
import type { Handler } from '../context.ts';
import { buildProgram } from '../program.ts';

export const completion: Handler<{ descriptions?: boolean }> = (context, words, flags) => {
  const shell = completionShells.find(name => name === words[0]);
  if (shell === undefined) {
    const nearest = findNearest(words[0] ?? '', completionShells);
    throw new HeadjackError('usage', `no completion for the shell "${words[0] ?? ''}"`, {
      hint: nearest === undefined ? `one of ${completionShells.join(', ')}` : `did you mean "${nearest}"?`,
    });
  }
  context.output.answer(
    formatCompletion(
      shell,
      buildProgram(() => () => Promise.resolve()),
      flags.descriptions !== false,
    ),
  );
  return Promise.resolve(0);
};

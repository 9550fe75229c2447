import { expect, it } from 'vitest';
import { createOutput } from '../../../src/cli/output.ts';
import type { Io } from '../../../src/cli/io.ts';
import { createProgress } from '../../../src/cli/progress.ts';
import { HeadjackError } from '../../../src/errors.ts';

const hostile = 'a\u001b]0;x\u0007\u009b2J\u202eb\u061c\u2028\u200b';

/** Nothing but what we draw ourselves: text, line ends, the erasing of a line. */
const clean = (text: string): void => {
  expect(text.replaceAll('\r\u001b[K', '').replaceAll('…', '')).toMatch(/^[\n -~]*$/);
  expect(text).toContain('a\\x1b]0;x\\x07\\x9b2J\\u202eb\\u061c\\u2028\\u200b');
};

function capture(): { io: Io; text: () => string } {
  let text = '';
  const write = (part: string): boolean => {
    text += part;
    return true;
  };
  const io = {
    env: {},
    write,
    isTerminal: () => true,
    stderr: { write },
    stdout: { write },
  } as unknown as Io;
  return { io, text: () => text };
}

it.each(['phase', 'update', 'note'] as const)('progress is cleaned: %s', how => {
  const { io, text } = capture();
  const progress = createProgress(io, false);
  if (how === 'update') progress.phase('x');
  progress[how](hostile);
  progress.done();
  clean(text());
});

it.each(['answer', 'note', 'warn'] as const)('output is cleaned: %s', how => {
  const { io, text } = capture();
  createOutput(io, { json: false, verbose: true })[how](hostile);
  clean(text());
});

it('an error is cleaned, with its list, hint, cause and details', () => {
  for (const details of [[hostile], { some: hostile }]) {
    const { io, text } = capture();
    const error = new HeadjackError('unsafe', hostile, { hint: hostile, details, cause: new Error(hostile) });
    createOutput(io, { json: false, verbose: true }).error(error);
    clean(
      text().replaceAll('\\u001b', '\\x1b').replaceAll('\\u0007', '\\x07').replaceAll('\\u009b', '\\x9b'),
    );
  }
});

it('JSON is ASCII where it could do harm, and says the same', () => {
  const { io, text } = capture();
  createOutput(io, { json: true, verbose: false }).json({ name: hostile });
  expect(text()).toMatch(/^[\n -~]*$/);
  expect(JSON.parse(text())).toEqual({ schema: 1, name: hostile });
});

import { findTail, readRange } from '../logs/tail.ts';
import { createLogRenderer } from '../logs/render.ts';

/** The last readable line of a log, if there is one. */
export function readLastLine(file: string): string | undefined {
  const { ranges } = findTail([file], { lines: 1, maxBytes: 4096 });
  const renderer = createLogRenderer({ colors: false, live: false });
  const text =
    ranges
      .flatMap(range => [...readRange(range)])
      .map(bytes => renderer.push(bytes).toString())
      .join('') + renderer.end();
  const line = text.trim();
  return line === '' ? undefined : line;
}

import { HeadjackError } from '../../errors.ts';
import { followLog } from '../../logs/follow.ts';
import { createLogRenderer } from '../../logs/render.ts';
import { findTail, readRange } from '../../logs/tail.ts';
import { findLog } from '../../operations/logs.ts';
import type { Handler } from '../context.ts';

interface Flags {
  readonly follow?: boolean;
  readonly lines: string;
  readonly full?: boolean;
  readonly raw?: boolean;
}

/** Bytes that "the last n lines" print at most: `--full` has no limit. */
const MOST = 4 * 1024 ** 2;

export const logs: Handler<Flags> = async (context, words, flags) => {
  const [branch = '', session = ''] = words;
  const lines = Number(flags.lines);
  if (!/^\d+$/.test(flags.lines) || !Number.isSafeInteger(lines))
    throw new HeadjackError('usage', `--lines: "${flags.lines}" is no number of lines`, {
      hint: 'for instance -n 500',
    });
  const { services } = await context.open('logs');
  const log = await findLog(services, { branch, session });
  const { output } = context;
  const renderer = createLogRenderer({
    colors: output.colors,
    live: flags.follow === true && context.io.isTerminal('stdout'),
  });
  const print = (bytes: Buffer): void => {
    output.raw(flags.raw === true ? bytes : renderer.push(bytes));
  };
  const tail = findTail(
    log.files,
    flags.full === true ? { lines: Infinity, maxBytes: Infinity } : { lines, maxBytes: MOST },
  );
  if (tail.cut) output.note(`(the last ${String(MOST / 1024 ** 2)} MiB; everything: --full)`);
  for (const range of tail.ranges) for (const bytes of readRange(range)) print(bytes);
  const current = log.files.at(-1) ?? '';
  if (flags.follow === true) {
    const start = tail.ranges.find(range => range.file === current)?.end ?? 0;
    await followLog({
      file: current,
      start,
      watch: [log.folder],
      ended: log.ended,
      onBytes: print,
      signal: context.io.signal,
    });
  }
  if (flags.raw !== true) output.raw(renderer.end());
  if (context.io.signal.aborted) throw context.io.signal.reason;
  return 0;
};

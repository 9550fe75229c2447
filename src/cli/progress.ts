import { printable } from '../core/printable.ts';
import { formatSeconds } from '../core/time.ts';
import type { Progress } from '../operations/services.ts';
import type { Io } from './io.ts';

/** Phases with their times, on stderr: drawn over on a terminal, plain lines with `-v`, nothing otherwise. */
export function createProgress(io: Io, verbose: boolean): Progress {
  const terminal = io.isTerminal('stderr');
  if (!terminal && !verbose)
    return { phase: () => undefined, update: () => undefined, note: () => undefined, done: () => undefined };
  let current: { name: string; since: number } | undefined;
  const finish = (): void => {
    if (current === undefined) return;
    const line = `  ${current.name}  ${formatSeconds(performance.now() - current.since)}`;
    io.stderr.write(`${terminal ? '\r\u001b[K' : ''}${line}\n`);
    current = undefined;
  };
  return {
    phase(name) {
      finish();
      current = { name: printable(name), since: performance.now() };
      if (terminal) io.stderr.write(`  ${current.name} …`);
    },
    update(text) {
      if (terminal && current !== undefined)
        io.stderr.write(`\r\u001b[K  ${current.name} … ${printable(text)}`);
    },
    note(text) {
      finish();
      io.stderr.write(`${printable(text)}\n`);
    },
    done: finish,
  };
}

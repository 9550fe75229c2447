import { poll } from '../process/sleep.ts';
import type { RunningExec } from './port.ts';

/** The exit code once the stream has ended: the engine needs a moment to notice. Undefined where it never does. */
export function exitCodeOf(running: RunningExec): Promise<number | undefined> {
  return poll(async () => (await running.inspect()).exitCode, { everyMs: 15, limitMs: 3000 });
}

import type { InstanceEntry, SessionEntry } from '../catalog/types.ts';
import { createLogRenderer } from '../logs/render.ts';
import { findTail, readRange } from '../logs/tail.ts';
import type { Attached } from '../operations/attach.ts';
import type { Services } from '../operations/services.ts';
import { placesOf } from '../operations/session-states.ts';
import { sessionFiles } from '../session/files.ts';
import type { CommandContext } from './context.ts';

/**
 * What a program said before it ended is gone from the terminal with its screen. Where nobody could look at it in time its log is
 * shown instead; where it failed, people are told where to look.
 */
export function showUnseen(
  context: CommandContext,
  services: Services,
  entry: InstanceEntry,
  session: SessionEntry,
  shown: Attached,
): number {
  if (!shown.unseen) {
    if (shown.code !== 0)
      context.output.note(
        `Session ${session.name} exited (${String(shown.code)}); its output: hjk logs ${entry.branch} ${session.name}`,
      );
    return shown.code;
  }
  const { log } = sessionFiles(placesOf(services), entry.id, session.id);
  const renderer = createLogRenderer({ colors: context.output.colors, live: false });
  for (const range of findTail([log], { lines: 1000, maxBytes: 1024 ** 2 }).ranges) {
    for (const bytes of readRange(range)) context.output.raw(renderer.push(bytes));
  }
  context.output.raw(renderer.end());
  return shown.code;
}

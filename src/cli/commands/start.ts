import { requireRunning } from '../../operations/start-for-session.ts';
import type { Handler } from '../context.ts';
import { endedNote, publicEntry } from '../public-entry.ts';

export const start: Handler<object> = async (context, words) => {
  const { services } = await context.open('start');
  const { entry, restarted, endedSessions } = await requireRunning(services, words[0] ?? '');
  services.progress.done();
  if (endedSessions.length > 0) context.output.note(endedNote(endedSessions));
  if (context.json)
    context.output.json({
      instance: publicEntry(entry),
      ...(endedSessions.length === 0 ? {} : { ended_sessions: endedSessions }),
    });
  else
    context.output.answer(
      restarted
        ? `Started instance ${entry.id} for branch ${entry.branch}`
        : `Instance ${entry.id} for branch ${entry.branch} is running`,
    );
  return 0;
};

import type { InstanceEntry, SessionEntry } from '../catalog/types.ts';
import { parseTime } from '../core/time.ts';
import { loadJudged, type SessionRecord } from '../session/record.ts';
import { sessionFiles } from '../session/files.ts';
import { deriveState, isLive, type SessionState } from '../session/state.ts';
import type { Services } from './services.ts';

export interface SessionView {
  readonly session: SessionEntry;
  readonly record: SessionRecord | undefined;
  readonly state: SessionState;
}

export function placesOf(services: Services): { stateRoot: string; logs: string } {
  return { stateRoot: services.paths.state_root, logs: services.paths.logs };
}

/**
 * The states of an instance's sessions, by the one function that derives them. tmux is asked once, if any may be live; the engine,
 * if any may be lost: what began before the container's last start has ended with the one before.
 */
export async function viewSessions(
  services: Services,
  entry: InstanceEntry,
  containerRuns: boolean | undefined,
): Promise<SessionView[]> {
  const records = entry.sessions.map(session => ({
    session,
    judged: loadJudged(sessionFiles(placesOf(services), entry.id, session.id).record),
  }));
  const ask = records.some(
    ({ judged }) => judged.record !== undefined && isLive(deriveState(judged, { containerRuns, clients: 0 })),
  );
  const clients = ask ? await services.host.clients(entry.id) : new Map<string, number>();
  const foreign = records.some(({ judged }) => judged.record === undefined)
    ? await services.defaultServer.clients()
    : new Map<string, number>();
  const views = records.map(({ session, judged }) => {
    const { record } = judged;
    const around = {
      containerRuns,
      clients: (record === undefined ? foreign : clients).get(session.mux_session_id),
    };
    return { session, record, state: deriveState(judged, around) };
  });
  if (containerRuns !== true || !views.some(view => view.state === 'lost')) return views;
  const startedAt = (await services.lister.startedAt(entry.container_id)) ?? 0;
  return views.map(view =>
    view.state === 'lost' && parseTime(view.record?.started_at ?? '') < startedAt
      ? { ...view, state: 'ended' as const }
      : view,
  );
}

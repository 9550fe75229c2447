import type { InstanceEntry, SessionEntry } from '../catalog/types.ts';
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

/** The states of an instance's sessions, by the one function that derives them. tmux is asked once, if any may be live. */
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
  return records.map(({ session, judged }) => {
    const { record } = judged;
    const around = {
      containerRuns,
      clients: (record === undefined ? foreign : clients).get(session.mux_session_id),
    };
    return { session, record, state: deriveState(judged, around) };
  });
}

import type { JudgedRecord } from './record.ts';

export type SessionState = 'starting' | 'attached' | 'detached' | 'exited' | 'ended' | 'lost';

/** What is known around a session when its state is asked for. */
export interface SessionSurroundings {
  /** Undefined where the engine does not answer. */
  readonly containerRuns: boolean | undefined;
  /** Clients that look at it; undefined where its tmux session is gone. */
  readonly clients: number | undefined;
}

/**
 * The state of a session: the one place where it is derived. Without a record (a session of the original) tmux alone is asked.
 */
export function deriveState({ record, carried }: JudgedRecord, around: SessionSurroundings): SessionState {
  const looked = (around.clients ?? 0) > 0 ? 'attached' : 'detached';
  if (record === undefined) return around.clients === undefined ? 'ended' : looked;
  if (record.reason === 'stopped' || record.reason === 'failed') return 'ended';
  if (record.exit_code !== undefined) return 'exited';
  if (record.pump === undefined) return carried ? 'starting' : 'ended';
  if (record.reason !== 'lost' && carried) return looked;
  return around.containerRuns === false ? 'ended' : 'lost';
}

/** Whether the session's program runs or may run: its name is not free. */
export function isLive(state: SessionState): boolean {
  return state !== 'exited' && state !== 'ended';
}

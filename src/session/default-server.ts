import { runAttached, runCaptured } from '../process/run.ts';
import { parseSessionList, SESSION_LIST } from './session-list.ts';

/** tmux's default server, where the original keeps its sessions. Ours never go there. */
export interface DefaultTmuxServer {
  /** Clients per session; none where there is no server or no tmux. */
  clients(): Promise<ReadonlyMap<string, number>>;
  /** Shows a session on our terminal until the user detaches or it ends. */
  attach(muxId: string): Promise<void>;
  /** Gone already is fine. */
  close(muxId: string): Promise<void>;
}

export function createDefaultTmuxServer(env: NodeJS.ProcessEnv): DefaultTmuxServer {
  // within a tmux, it would be that one's server, and tmux would refuse to show another in it
  const outside = { ...env, TMUX: undefined };
  const run = async (args: readonly string[]): Promise<string> => {
    try {
      return (await runCaptured('tmux', args, { env: outside })).stdout.toString('utf8');
    } catch {
      return ''; // no tmux: no such sessions
    }
  };
  return {
    clients: async () => parseSessionList(await run(SESSION_LIST)),
    async attach(muxId) {
      await runAttached('tmux', ['attach-session', '-t', `=${muxId}`], { env: outside });
    },
    async close(muxId) {
      await run(['kill-session', '-t', `=${muxId}`]);
    },
  };
}

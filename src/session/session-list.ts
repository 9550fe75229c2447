/** tmux's words for: who looks at which session. */
export const SESSION_LIST = ['list-sessions', '-F', '#{session_attached} #{session_name}'];

/** Number of clients by session name. */
export function parseSessionList(output: string): Map<string, number> {
  const clients = new Map<string, number>();
  for (const line of output.split('\n')) {
    const match = /^(\d+) (.+)$/.exec(line);
    if (match?.[2] !== undefined) clients.set(match[2], Number(match[1]));
  }
  return clients;
}

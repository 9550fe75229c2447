/**
 * What keeps the container up. With `Init`, TERM ends it at once: without, it would be pid 1, which ignores TERM, and every stop
 * would wait ten seconds. Its pid is noted so that "end everything else" leaves it alone.
 */
export const keepAliveCommand: readonly string[] = [
  'sh',
  '-c',
  'echo $$ > /run/headjack/keep-alive; exec sleep 2147483647',
];

/** Whether a command line from the engine's process list is the keep-alive. */
export function isKeepAliveItself(commandLine: string): boolean {
  return /^(\S*\/)?(busybox )?sleep 2147483647$/.test(commandLine);
}

/** Whether it is the keep-alive or the engine's init. */
export function isKeepAlive(commandLine: string): boolean {
  return isKeepAliveItself(commandLine) || /(^|\/)(docker-init|tini|catatonit)\b/.test(commandLine);
}

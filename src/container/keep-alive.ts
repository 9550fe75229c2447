/**
 * What keeps the container up. With `Init`, TERM ends it at once: without, it would be pid 1, which ignores TERM, and every stop
 * would wait ten seconds. Its pid is noted so that "end everything else" leaves it alone.
 */
export const keepAliveCommand: readonly string[] = [
  'sh',
  '-c',
  'echo $$ > /run/headjack/keep-alive; exec sleep 2147483647',
];

/** For an engine that has no init at hand: the shell is pid 1, ends at TERM, and takes the exit codes of orphans. */
export const keepAliveWithoutInit: readonly string[] = [
  'sh',
  '-c',
  'trap "exit 143" TERM; while :; do sleep 2147483647 & echo "$$ $!" > /run/headjack/keep-alive; wait $!; done',
];

/** Whether a command line from the engine's process list is the keep-alive. */
export function isKeepAliveItself(commandLine: string): boolean {
  return /^(\S*\/)?(busybox )?sleep 2147483647$/.test(commandLine);
}

/** Whether it is the keep-alive or the engine's init. */
export function isKeepAlive(commandLine: string): boolean {
  return (
    isKeepAliveItself(commandLine) ||
    /(^|\/)(docker-init|podman-init|tini|catatonit)\b/.test(commandLine) ||
    /^sh -c .* > \/run\/headjack\/keep-alive;/.test(commandLine)
  );
}

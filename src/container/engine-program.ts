import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { HeadjackError } from '../errors.ts';

/**
 * The engine's own program, pointed at the socket that hjk uses: for what is written for it, as the devcontainer CLI is. Everything
 * else speaks to the socket.
 * @throws HeadjackError engine_program_missing
 */
export function findEngineProgram(
  runtime: 'docker' | 'podman',
  socket: string,
  env: NodeJS.ProcessEnv,
): string[] {
  const url = `unix://${socket}`;
  const ways = [
    ...(runtime === 'podman' ? [['podman', '--remote', '--url', url]] : []),
    ['docker', '--host', url], // podman answers to it, too
  ];
  for (const [name = '', ...words] of ways) {
    const file = findOnPath(name, env);
    if (file !== undefined) return [file, ...words];
  }
  throw new HeadjackError('engine_program_missing', `the program ${runtime} is not installed`, {
    hint: `install it (Debian: apt-get install ${runtime === 'podman' ? 'podman' : 'docker-cli'}), or do without devcontainer.json: --image <ref>`,
  });
}

/** A program on the PATH, by its absolute path: a relative entry could be a worktree's. */
export function findOnPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  return (env['PATH'] ?? '')
    .split(':')
    .filter(folder => folder.startsWith('/'))
    .map(folder => path.join(folder, name))
    .find(isExecutable);
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

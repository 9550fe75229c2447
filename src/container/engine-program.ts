import { HeadjackError } from '../errors.ts';
import { findProgram } from '../process/programs.ts';

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
    const file = findProgram(name, env);
    if (file !== undefined) return [file, ...words];
  }
  throw new HeadjackError('engine_program_missing', `the program ${runtime} is not installed`, {
    hint: `install it (Debian: apt-get install ${runtime === 'podman' ? 'podman' : 'docker-cli'}), or do without devcontainer.json: --image <ref>`,
  });
}

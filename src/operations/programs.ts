import type { Services } from './services.ts';

const LIST = 'for f in /proc/[0-9]*/cmdline; do cat "$f" 2>/dev/null && echo; done';

/**
 * Command lines of all that runs in a container, its keep-alive too: as the engine lists them, else as the container itself sees
 * them (rootless Docker on cgroups v1; a machine without `ps`). Undefined where neither can be told.
 */
export async function listPrograms(services: Services, container: string): Promise<string[] | undefined> {
  const listed = await (await services.runtime()).processes(container);
  if (listed !== undefined) return listed;
  const command = ['sh', '-c', LIST];
  const asked = await services.exec
    .capture({ container, command, env: [], user: undefined, workdir: '/' })
    .catch(() => undefined);
  if (asked?.exitCode !== 0) return undefined;
  return asked.output
    .split('\n')
    .map(line => line.replaceAll('\0', ' ').trim())
    .filter(line => line !== '' && !line.includes(LIST));
}

import type { ArchiveEntry, ContainerRuntime } from '../../container/port.ts';
import type { Services } from '../services.ts';

/** Whether root inside is somebody else than the caller: it is not where the engine is the caller's own, or he is root. */
export async function isRootStrange({ runtime, user }: Services): Promise<boolean> {
  const { rootless } = await (await runtime()).identify();
  return !rootless && user.uid !== 0;
}

/** Whether the devcontainer CLI wants to be root in a container: the shell there is the image's, which could be any program. */
export function isRootExec(words: readonly string[]): boolean {
  const at = words.findIndex(word => word === '-u' || word === '--user');
  return words[0] === 'exec' && at > 0 && /^(root|0)(:|$)/.test(words[at + 1] ?? '');
}

/**
 * What the CLI would be root for, done before anything runs: a login shell keeps the PATH that the container has. Its marks tell it
 * that nothing is left to do.
 */
export async function profileEntries(runtime: ContainerRuntime, container: string): Promise<ArchiveEntry[]> {
  const file = '/etc/profile';
  const text = await runtime.readFile(container, file);
  const kept = text?.replace(/((^|\s)PATH=)([^$\n]*)$/gm, '$1$${PATH:-$3}');
  const marks = ['.patchEtcEnvironmentMarker', '.patchEtcProfileMarker'];
  return [
    ...(kept === undefined || kept === text
      ? []
      : [{ kind: 'file' as const, path: file, content: kept, mode: 0o644 }]),
    ...marks.map(name => ({
      kind: 'file' as const,
      path: `/var/devcontainer/${name}`,
      content: '',
      mode: 0o644,
    })),
  ];
}

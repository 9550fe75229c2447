import type { RunFlag } from './run-flags.ts';
import { parseMounts } from './volumes.ts';

/** What of an instance's making says how far its container can reach. */
export interface Exposure {
  readonly network: string | null;
  readonly volumes: readonly string[];
  readonly flags?: readonly RunFlag[];
  readonly writable_submodules: boolean;
  /** A git directory of its own, with those of submodules in it. */
  readonly git?: 'own';
  /** What its devcontainer.json reaches, with the user's approval. */
  readonly devcontainer?: { readonly reaches?: readonly string[] };
}

/** What weakens the sandbox, a sentence each. Empty for an instance that was made without any such flag. */
export function findWeaknesses(made: Exposure): string[] {
  const flags = made.flags ?? [];
  const all = (name: RunFlag['name']): string[] => flags.filter(f => f.name === name).map(f => f.value);
  const { binds } = parseMounts({ volumes: made.volumes, mounts: all('mount'), tmpfs: [] }, '/', []);
  const user = all('user').at(-1);
  return [
    ...(all('privileged').length > 0
      ? ['privileged: programs inside can do on this machine what root can']
      : []),
    ...all('cap-add').map(name => `capability ${name.toUpperCase()}: more than containers may by default`),
    ...all('device').map(device => `device ${device}: programs inside use it directly`),
    ...all('security-opt')
      .filter(option => /unconfined|disable|no-new-privileges[=:](false|0)/.test(option))
      .map(option => `security option ${option}: a protection is off`),
    ...(made.network === 'host' ? ["network host: the container shares this machine's network"] : []),
    ...(made.network?.startsWith('container:') === true
      ? [`network ${made.network}: it shares that container's network`]
      : []),
    ...binds.map(({ source, readOnly }) =>
      /(docker|podman|containerd)\.sock$/.test(source)
        ? `mount ${source}: whoever has the engine's socket is root on this machine`
        : `mount ${source}: programs inside can ${readOnly ? 'read' : 'read and change'} it`,
    ),
    ...(user !== undefined && /^(root|0)(:|$)/.test(user)
      ? ['user root: what programs inside make belongs to root']
      : []),
    ...(made.writable_submodules && made.git !== 'own'
      ? ['submodules: the container can change their git configuration, which git on the host obeys']
      : []),
    ...(made.devcontainer?.reaches ?? []),
  ];
}

import { protectMount } from '../../container/protect-mount.ts';
import type { BindMount } from '../../container/port.ts';
import { serviceMounts, type ServiceMount } from '../../devcontainer/compose-mounts.ts';
import type { ComposeDocument } from '../../devcontainer/compose.ts';
import { projectOf } from './clean.ts';
import { findTaken, placeTaken, type Making } from './making.ts';

/** What every container of a project is made with, whatever its files say, in compose's words. */
export function restrictService(
  making: Making,
  document: ComposeDocument,
  name: string,
): { readonly volumes: readonly unknown[]; readonly rest: Readonly<Record<string, unknown>> } {
  const service = document.services[name] ?? {};
  return {
    volumes: protectedVolumes(making, serviceMounts(document, name)),
    rest: {
      restart: 'no',
      ...ownName(making, name, service),
      // what a program prints could fill the disk
      ...(service['logging'] === undefined
        ? { logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '2' } } }
        : {}),
      ...(listOf(service['security_opt']).some(option => option.startsWith('no-new-privileges'))
        ? {}
        : { security_opt: ['no-new-privileges'] }),
    },
  };
}

/** Masks over what is mounted of the worktree and its repository, in whatever container. */
function protectedVolumes({ plan }: Making, mounts: readonly ServiceMount[]): unknown[] {
  return mounts
    .filter(
      mount => mount.source !== '' && !(mount.target === plan.worktree && mount.source === plan.worktree),
    )
    .flatMap(mount => {
      const { readOnly, masks } = protectMount(mount, plan.own);
      return [...(readOnly && !mount.readOnly ? [{ ...mount, readOnly }] : []), ...masks];
    })
    .map(bindVolume);
}

export function bindVolume(mount: BindMount): Record<string, unknown> {
  return { type: 'bind', source: mount.source, target: mount.target, read_only: mount.readOnly };
}

/** The dev container's places are the instance's own, but for the worktree itself. @throws HeadjackError devcontainer_invalid */
export function requirePlacesFree(making: Making, mounts: readonly ServiceMount[]): void {
  const { worktree } = making.plan;
  for (const { source, target } of mounts) {
    if (source === worktree && (target === worktree || target === '/workspace')) continue;
    const taken = findTaken(target, making.plan);
    if (taken !== undefined) throw placeTaken(making, taken);
  }
}

/** A list, or a map as `name=value`. */
export function listOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(item => String(item));
  return value !== null && typeof value === 'object'
    ? Object.entries(value).map(([key, given]) => `${key}=${String(given)}`)
    : [];
}

/** A name that the file gives is one for the whole engine: of two branches the second could not start. The others still find it by it. */
function ownName(
  { held }: Making,
  name: string,
  service: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const given = service['container_name'];
  if (typeof given !== 'string') return {};
  const { networks } = service;
  const names = Array.isArray(networks)
    ? networks.map(String)
    : Object.keys(networks !== null && typeof networks === 'object' ? networks : { default: null });
  return {
    container_name: `${projectOf(held.entry.id)}-${name}`,
    ...(service['network_mode'] === undefined
      ? { networks: Object.fromEntries(names.map(network => [network, { aliases: [given] }])) }
      : {}),
  };
}

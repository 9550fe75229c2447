import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError } from '../errors.ts';
import { createFile } from '../process/files.ts';
import type { HostPath, HostPaths } from './host-paths.ts';
import type { BindMount } from './port.ts';

/** What of the host an instance needs, all real paths. */
export interface MountPlan {
  readonly worktree: string;
  readonly commonDir: string;
  /** `<common dir>/worktrees/<n>`. */
  readonly metadata: string;
  /** What the repository may name outside of itself. */
  readonly hostPaths: HostPaths;
  readonly writableSubmodules: boolean;
  readonly sshAgent: SshAgent | undefined;
}

/** SSH_AUTH_SOCK and known_hosts of the caller. */
export interface SshAgent {
  readonly socket: string;
  readonly knownHosts: string | undefined;
}

/** Where the agent's socket and known_hosts are inside. */
export const SSH_SOCKET = '/run/headjack-ssh/agent.sock';
const SSH_KNOWN_HOSTS = '/etc/ssh/ssh_known_hosts';

/**
 * The mounts of an instance: the worktree and the common git directory each at its own host path, which alone makes every git
 * command work, and read-only masks on everything through which a program inside could make git run code on the host. A mask
 * needs a source: what does not exist is made empty first.
 * @throws HeadjackError unsafe where a link stands in for something that has to be masked
 */
export function planMounts(plan: MountPlan): BindMount[] {
  const { worktree, commonDir, metadata } = plan;
  const writable = (place: string): BindMount => ({ source: place, target: place, readOnly: false });
  const masked = (place: string): BindMount => ({ source: place, target: place, readOnly: true });
  const mounts = [
    writable(worktree),
    writable(commonDir),
    ...maskGitDirectory(commonDir, plan.writableSubmodules),
    guarded(commonDir),
    masked(existing(path.join(commonDir, 'worktrees'), 'folder')),
    writable(metadata),
    masked(existing(path.join(metadata, 'commondir'), 'file')),
    masked(existing(path.join(metadata, 'gitdir'), 'file')),
    masked(existing(path.join(metadata, 'config.worktree'), 'file')),
    masked(existing(path.join(worktree, '.git'), 'file')),
  ];
  const modules = path.join(metadata, 'modules');
  mounts.push(
    plan.writableSubmodules ? writable(existing(modules, 'folder')) : masked(existing(modules, 'folder')),
  );
  return withoutRepeats([...mounts, ...mountHostPaths(plan.hostPaths), ...mountSshAgent(plan.sshAgent)]);
}

/** Of several mounts at one place the first. */
export function withoutRepeats(mounts: readonly BindMount[]): BindMount[] {
  const first = new Map<string, BindMount>();
  for (const mount of mounts) if (!first.has(mount.target)) first.set(mount.target, mount);
  return [...first.values()];
}

/** What a repository names outside of itself. */
export function mountHostPaths({ alternates, remotes }: HostPaths): BindMount[] {
  const borrowed = alternates.map(({ path: target, real: source }) => ({ source, target, readOnly: true }));
  return [...borrowed, ...remotes.flatMap(mountRemote)];
}

export function mountSshAgent(agent: SshAgent | undefined): BindMount[] {
  if (agent === undefined) return [];
  return [
    { source: agent.socket, target: SSH_SOCKET, readOnly: true },
    ...(agent.knownHosts === undefined
      ? []
      : [{ source: agent.knownHosts, target: SSH_KNOWN_HOSTS, readOnly: true }]),
  ];
}

/** What in a git directory tells git to run programs, or where to find what does. */
function maskGitDirectory(gitDir: string, writableSubmodules: boolean): BindMount[] {
  const parts: (readonly [name: string, kind: 'file' | 'folder'])[] = [
    ['config', 'file'],
    ['config.worktree', 'file'],
    ['hooks', 'folder'],
    ['info', 'folder'],
    ['modules', 'folder'],
  ];
  return parts
    .filter(([name]) => !(name === 'modules' && writableSubmodules))
    .map(([name, kind]) => {
      const place = existing(path.join(gitDir, name), kind);
      return { source: place, target: place, readOnly: true };
    });
}

/**
 * A file named `commondir` in a git directory sends every git to another place for its configuration and hooks. Where none is,
 * one is put that leads nowhere else, which git accepts (gitrepository-layout), and masked.
 */
function guarded(gitDir: string): BindMount {
  const place = path.join(gitDir, 'commondir');
  if (fs.lstatSync(place, { throwIfNoEntry: false }) === undefined) createFile(place, '.\n', 0o644);
  return { source: existing(place, 'file'), target: place, readOnly: true };
}

function existing(place: string, kind: 'file' | 'folder'): string {
  const stat = fs.lstatSync(place, { throwIfNoEntry: false });
  if (stat === undefined) {
    if (kind === 'folder') fs.mkdirSync(place, { recursive: true });
    else fs.closeSync(fs.openSync(place, 'a', 0o644));
    return place;
  }
  if (kind === 'folder' ? stat.isDirectory() : stat.isFile()) return place;
  throw new HeadjackError('unsafe', `${place} is no plain ${kind}, so the container could replace it`, {
    hint: stat.isSymbolicLink()
      ? `put the ${kind} that it points to in its place`
      : `look at it: ls -l ${place}`,
    details: [`${place} cannot be protected`],
  });
}

/** A remote that is a folder here: its git directory at its own path, without the means to run code at the next push. */
function mountRemote(remote: HostPath): BindMount[] {
  const inside = (place: string): string => path.join(remote.path, path.relative(remote.real, place));
  const masks = [...maskGitDirectory(remote.real, false), guarded(remote.real)];
  const worktrees = path.join(remote.real, 'worktrees');
  return [
    { source: remote.real, target: remote.path, readOnly: false },
    ...masks.map(mask => ({ ...mask, target: inside(mask.target) })),
    ...(fs.existsSync(worktrees) ? [{ source: worktrees, target: inside(worktrees), readOnly: true }] : []),
  ];
}

import path from 'node:path';
import type { InstanceEntry } from '../catalog/types.ts';
import { planMounts } from '../container/host-mounts.ts';
import type { HostPaths } from '../container/host-paths.ts';
import { planOwnMounts } from '../container/own-mounts.ts';
import { formatLabels } from '../container/labels.ts';
import { protectMount } from '../container/protect-mount.ts';
import type {
  BindMount,
  ContainerRuntime,
  ContainerSpec,
  ImageInfo,
  PublishedPort,
} from '../container/port.ts';
import { isRoot, noSuchUser, resolveUser, type ContainerUser } from '../container/user.ts';
import { parseEngineOptions, type EngineOptions } from '../container/engine-options.ts';
import { parseMounts, parsePorts, type ParsedVolumes } from '../container/volumes.ts';
import { findWeaknesses } from '../container/weaknesses.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import { GIT_DIRECTORY_INSIDE, gitDirectoryPlaces } from '../git-directory/places.ts';
import { realPathOf } from '../process/files.ts';
import { instanceFiles } from '../session/files.ts';
import { containerEnvironment, requireSshAgent } from './container-environment.ts';
import { deriveImage } from './derive-image.ts';
import { furnish, readUserFiles } from './furnish.ts';
import type { InstanceSpec } from './instance-spec.ts';
import type { PullPolicy } from './options.ts';
import type { RepositoryGit, Services } from './services.ts';
import { placesOf } from './session-states.ts';

/** Places in the container that belong to the instance itself, besides those of git. */
export const reservedPlaces: readonly string[] = ['/workspace', '/headjack', '/run/headjack'];

/** What making a container needs to know besides the spec. */
export interface ContainerOrder {
  readonly entry: InstanceEntry;
  readonly repository: Repository;
  readonly git: RepositoryGit;
  /** `<common dir>/worktrees/<n>`. */
  readonly metadata: string;
  readonly hostPaths: HostPaths;
}

/**
 * Finds the image, and fetches it where that is wanted. hjk's own images are never fetched: whoever had their names at a registry
 * could put anything there.
 * @throws HeadjackError image_missing, with what to do
 */
export async function requireImage(
  services: Services,
  image: string,
  pull: PullPolicy = 'missing',
): Promise<ImageInfo> {
  const runtime = await services.runtime();
  const own = /^(localhost\/)?headjack\//.test(image);
  const found = await runtime.findImage(image);
  if (found !== undefined && (pull !== 'always' || own)) return found;
  if (!own && pull !== 'never' && !image.startsWith('sha256:')) {
    services.progress.phase(`pulling ${image}`);
    await runtime.pull(image, text => {
      services.progress.update(text);
    });
    services.progress.done();
    const pulled = await runtime.findImage(image);
    if (pulled !== undefined) return pulled;
  }
  throw new HeadjackError('image_missing', `image ${image} is not on the engine`, {
    hint: own ? 'hjk image build' : 'leave out --pull never, or name another with --image <ref>',
    details: { image },
  });
}

/**
 * What a spec asks of the engine.
 * @param reserved places in the container that nothing may be mounted over
 * @throws HeadjackError usage
 */
export function parseMaking(
  spec: InstanceSpec,
  cwd: string,
  reserved: readonly string[],
): { mounts: ParsedVolumes; ports: PublishedPort[]; engine: EngineOptions } {
  const flags = spec.flags ?? [];
  const engine = parseEngineOptions(flags);
  const mounts = flags.filter(flag => flag.name === 'mount').map(flag => flag.value);
  return {
    engine,
    ports: parsePorts(spec.ports),
    mounts: parseMounts({ volumes: spec.volumes, mounts, tmpfs: engine.tmpfs }, cwd, reserved),
  };
}

/** Everything of a container but its name, image and user, which depend on the image. */
export interface ContainerPlan {
  readonly spec: Omit<ContainerSpec, 'name' | 'image' | 'user'>;
  /** Names for it, the first that is free counts. */
  readonly names: readonly string[];
  /** What every instance has of this worktree and its repository, each at its own host path. */
  readonly own: readonly BindMount[];
  /** Places in the container that nothing may be mounted over. */
  readonly reserved: readonly string[];
  /** Who the caller is inside. */
  readonly ids: { readonly uid: number; readonly gid: number };
  /** The worktree's real path, at which it is inside too. */
  readonly worktree: string;
}

/** @throws HeadjackError usage, unsafe */
export async function planContainer(
  services: Services,
  order: ContainerOrder,
  spec: InstanceSpec,
): Promise<ContainerPlan> {
  const { entry } = order;
  const engine = await (await services.runtime()).identify();
  // rootless Docker shows the caller as root; rootless podman can show the caller as is
  const ids =
    engine.rootless && engine.name === 'docker'
      ? { uid: 0, gid: 0 }
      : { uid: services.user.uid, gid: services.user.gid };
  const worktree = realPathOf(entry.worktree);
  const places = gitDirectoryPlaces(instanceFiles(placesOf(services), entry.id).folder);
  const common = {
    worktree,
    commonDir: order.repository.commonDir,
    hostPaths: order.hostPaths,
    sshAgent: spec.ssh_agent ? requireSshAgent(services) : undefined,
  };
  const own =
    spec.git === 'own'
      ? planOwnMounts({ ...common, own: { ...places, inside: GIT_DIRECTORY_INSIDE } })
      : planMounts({
          ...common,
          metadata: order.metadata,
          writableSubmodules: spec.writable_submodules,
        });
  const { commonDir } = order.repository;
  // mounted once more, it is no more writable than where the instance has none of it
  const guarded = own.some(mount => mount.target === commonDir)
    ? own
    : [...own, { source: commonDir, target: commonDir, readOnly: true }];
  for (const weakness of findWeaknesses(spec)) services.progress.note(`Warning: ${weakness}`);
  const reserved = [...reservedPlaces, ...own.map(mount => mount.target)];
  const { mounts, ports, engine: engineOptions } = parseMaking(spec, services.cwd, reserved);
  const base: ContainerPlan['spec'] = {
    labels: formatLabels({
      instance: entry.id,
      repo: entry.repo,
      branch: entry.branch,
      worktree: entry.worktree,
      owner: services.owner,
    }),
    env: await containerEnvironment(entry, order.git, spec.git),
    keepIds: engine.rootless && engine.name === 'podman',
    mounts: [...own, ...mounts.binds],
    volumes: mounts.volumes,
    ports,
    engine: { ...engineOptions, tmpfs: mounts.tmpfs },
    memory: spec.memory ?? undefined,
    cpus: spec.cpus ?? undefined,
    pids: spec.pids ?? undefined,
    network: spec.network ?? undefined,
  };
  const name = `hjk-${entry.repo_id}-${path.basename(entry.worktree)}`.replace(/[^A-Za-z0-9_.-]/g, '-');
  return { spec: base, names: [name, `${name}-${entry.id}`], own: guarded, reserved, ids, worktree };
}

/** A volume of the image's where `/workspace` belongs leaves no room for a link: the worktree is mounted over it. */
export function overVolumes(
  { worktree, own }: Pick<ContainerPlan, 'worktree' | 'own'>,
  image: Pick<ImageInfo, 'volumes'>,
): BindMount[] {
  if (!image.volumes.some(place => path.posix.resolve(place) === '/workspace')) return [];
  const mount = { source: worktree, target: '/workspace', readOnly: false };
  return [mount, ...protectMount(mount, own).masks];
}

/** Makes the container, without starting it. Gives its id and who its programs are. */
export async function createContainer(
  services: Services,
  order: ContainerOrder,
  spec: InstanceSpec,
): Promise<{ id: string; user: ContainerUser }> {
  const runtime = await services.runtime();
  const image = await requireImage(services, spec.image);
  const plan = await planContainer(services, order, spec);
  const { ids, names } = plan;
  const given = plan.spec.engine.user;
  const derived =
    given === undefined && !isRoot(image.user) ? await deriveImage(services, image, ids) : undefined;
  const wanted = {
    ...plan.spec,
    mounts: [...plan.spec.mounts, ...overVolumes(plan, image)],
    image: derived ?? image.id,
    user: given ?? `${String(ids.uid)}:${String(ids.gid)}`,
  };
  const id = await createNamed(services, runtime, wanted, names, order.entry.id);
  await noteIgnoredLimits(services, id, plan.spec);
  const files = await readUserFiles(runtime, id).catch((error: unknown) => {
    // podman cannot even be asked for a file of a container whose user does not exist
    throw given === undefined ? error : noSuchUser(given, 'user or group', error);
  });
  const chosen = given === undefined ? ids : resolveUser(given, files.passwd, files.group);
  const user = await furnish(runtime, id, {
    worktree: plan.worktree,
    chosen,
    files,
    imageUser: derived === undefined ? '' : image.user,
  });
  return { id, user };
}

export async function noteIgnoredLimits(
  services: Services,
  container: string,
  limits: Pick<ContainerSpec, 'memory' | 'cpus' | 'pids'>,
): Promise<void> {
  for (const limit of await (await services.runtime()).findIgnoredLimits(container, limits))
    services.progress.note(`Warning: this engine cannot limit ${limit}: --${limit} has no effect`);
}

/** Tries the names in turn: one that a stranger has is passed over, one that is ours but unrecorded is made anew. */
async function createNamed(
  services: Services,
  runtime: ContainerRuntime,
  spec: Omit<Parameters<ContainerRuntime['create']>[0], 'name'>,
  names: readonly string[],
  instance: string,
): Promise<string> {
  for (const [i, name] of names.entries()) {
    try {
      return await runtime.create({ ...spec, name });
    } catch (error) {
      if (!(error instanceof HeadjackError) || error.code !== 'name_taken') throw error;
      const { isOurs } = await import('../container/labels.ts');
      const holder = (await services.lister.list()).find(container => container.name === name);
      if (holder !== undefined && isOurs(holder.labels, instance, services.owner)) {
        await runtime.remove(holder.id);
        return runtime.create({ ...spec, name });
      }
      if (i === names.length - 1) throw error;
    }
  }
  throw new HeadjackError('unexpected', 'no container name is free');
}

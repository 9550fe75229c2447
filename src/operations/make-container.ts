import path from 'node:path';
import type { InstanceEntry } from '../catalog/types.ts';
import { planMounts } from '../container/host-mounts.ts';
import { formatLabels, formatProbeLabels } from '../container/labels.ts';
import type { ContainerRuntime, ImageInfo, PublishedPort } from '../container/port.ts';
import {
  deriveUserDockerfile,
  findImageUser,
  noSuchUser,
  planUser,
  resolveUser,
  type ContainerUser,
} from '../container/user.ts';
import { parseEngineOptions, type EngineOptions } from '../container/engine-options.ts';
import { parseMounts, parsePorts, type ParsedVolumes } from '../container/volumes.ts';
import { findWeaknesses } from '../container/weaknesses.ts';
import { shortHash } from '../core/hash.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import { realPathOf } from '../process/files.ts';
import { ownIdentity } from '../process/identity.ts';
import { containerEnvironment, requireSshAgent } from './container-environment.ts';
import type { InstanceSpec } from './instance-spec.ts';
import type { PullPolicy } from './options.ts';
import type { RepositoryGit, Services } from './services.ts';

/** Places in the container that belong to the instance itself, besides those of git. */
export const reservedPlaces: readonly string[] = ['/workspace', '/headjack', '/run/headjack'];

/** What making a container needs to know besides the spec. */
export interface ContainerOrder {
  readonly entry: InstanceEntry;
  readonly repository: Repository;
  readonly git: RepositoryGit;
  /** `<common dir>/worktrees/<n>`. */
  readonly metadata: string;
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

/** Makes the container, without starting it. Gives its id and who its programs are. */
export async function createContainer(
  services: Services,
  order: ContainerOrder,
  spec: InstanceSpec,
): Promise<{ id: string; user: ContainerUser }> {
  const runtime = await services.runtime();
  const { entry } = order;
  const engine = await runtime.identify();
  // rootless Docker shows the caller as root; rootless podman can show the caller as is
  const ids =
    engine.rootless && engine.name === 'docker'
      ? { uid: 0, gid: 0 }
      : { uid: services.user.uid, gid: services.user.gid };
  const image = await requireImage(services, spec.image);
  const worktree = realPathOf(entry.worktree);
  const own = planMounts({
    worktree,
    commonDir: order.repository.commonDir,
    metadata: order.metadata,
    localRemotes: await order.git.localRemotes(),
    writableSubmodules: spec.writable_submodules,
    sshAgent: spec.ssh_agent ? requireSshAgent(services) : undefined,
  });
  for (const weakness of findWeaknesses(spec)) services.progress.note(`Warning: ${weakness}`);
  const reserved = [...reservedPlaces, ...own.map(mount => mount.target)];
  const { mounts, ports, engine: engineOptions } = parseMaking(spec, services.cwd, reserved);
  const base = {
    labels: formatLabels({
      instance: entry.id,
      repo: entry.repo,
      branch: entry.branch,
      worktree: entry.worktree,
      owner: services.owner,
    }),
    env: await containerEnvironment(entry, order.git),
    user: engineOptions.user ?? `${String(ids.uid)}:${String(ids.gid)}`,
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
  const usable =
    engineOptions.user !== undefined || image.user === '' || /^(root|0)(:|$)/.test(image.user)
      ? { id: image.id, derived: false }
      : { id: await deriveImage(services, image, ids), derived: true };
  const name = `hjk-${entry.repo_id}-${path.basename(entry.worktree)}`.replace(/[^A-Za-z0-9_.-]/g, '-');
  const wanted = { ...base, image: usable.id };
  const id = await createNamed(services, runtime, wanted, [name, `${name}-${entry.id}`], entry.id);
  for (const limit of await runtime.findIgnoredLimits(id, { ...wanted, name }))
    services.progress.note(`Warning: this engine cannot limit ${limit}: --${limit} has no effect`);
  const [passwd = '', group = ''] = await Promise.all(
    ['/etc/passwd', '/etc/group'].map(file => runtime.readFile(id, file)),
  ).catch((error: unknown) => {
    // podman cannot even be asked for a file of a container whose user does not exist
    throw engineOptions.user === undefined ? error : noSuchUser(engineOptions.user, 'user or group', error);
  });
  const chosen = engineOptions.user === undefined ? ids : resolveUser(engineOptions.user, passwd, group);
  const plan = planUser(chosen, {
    passwd,
    group,
    user: usable.derived ? findImageUser(image.user, passwd) : undefined,
  });
  await runtime.putEntries(id, [
    ...plan.entries,
    { kind: 'folder', path: '/headjack', mode: 0o755, ...chosen },
    { kind: 'folder', path: '/headjack/config', mode: 0o755, ...chosen },
    { kind: 'link', path: '/workspace', target: worktree },
  ]);
  return { id, user: plan.user };
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

/** Gives the image's own user the caller's ids, in an image that is made once for both. */
async function deriveImage(
  services: Services,
  image: ImageInfo,
  ids: { uid: number; gid: number },
): Promise<string> {
  const runtime = await services.runtime();
  const tag = `headjack/derived:${shortHash(`v1 ${image.id} ${image.user}`, 12)}-${String(ids.uid)}-${String(ids.gid)}`;
  const made = await runtime.findImage(tag);
  if (made !== undefined) return made.id;
  const probe = await runtime.create({
    name: `hjk-probe-${shortHash(`${tag} ${String(process.pid)} ${String(Date.now())}`, 12)}`,
    image: image.id,
    labels: formatProbeLabels(services.owner, JSON.stringify(ownIdentity())),
    env: [],
    user: '0',
    keepIds: false,
    mounts: [],
    volumes: [],
    ports: [],
    engine: parseEngineOptions([]),
    memory: undefined,
    cpus: undefined,
    pids: undefined,
    network: 'none',
  });
  let passwd: string;
  try {
    passwd = (await runtime.readFile(probe, '/etc/passwd')) ?? '';
  } finally {
    await runtime.remove(probe);
  }
  const user = findImageUser(image.user, passwd);
  if (user === undefined || (user.uid === ids.uid && user.gid === ids.gid)) return image.id;
  await runtime.buildImage(tag, deriveUserDockerfile(image.id, user, ids), {
    'dev.headjack.derived': image.id,
  });
  return (await runtime.findImage(tag))?.id ?? image.id;
}

import fs from 'node:fs';
import path from 'node:path';
import type { InstanceEntry } from '../catalog/types.ts';
import { planMounts, SSH_SOCKET } from '../container/host-mounts.ts';
import { formatLabels, formatProbeLabels } from '../container/labels.ts';
import type { ContainerRuntime, ImageInfo } from '../container/port.ts';
import { deriveUserDockerfile, findImageUser, planUser, type ContainerUser } from '../container/user.ts';
import { parsePorts, parseVolumes } from '../container/volumes.ts';
import { shortHash } from '../core/hash.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import { realPathOf } from '../process/files.ts';
import { ownIdentity } from '../process/identity.ts';
import type { InstanceSpec } from './instance-spec.ts';
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

/** @throws HeadjackError image_missing, with what to do */
export async function requireImage(runtime: ContainerRuntime, image: string): Promise<ImageInfo> {
  const found = await runtime.findImage(image);
  if (found !== undefined) return found;
  const own = image === 'headjack/base' || image.startsWith('headjack/base:');
  throw new HeadjackError('image_missing', `image ${image} is not on the engine`, {
    hint: own ? 'hjk image build' : `docker pull ${image}`,
    details: { image },
  });
}

/** Makes the container, without starting it. Gives its id and who its programs are. */
export async function createContainer(
  services: Services,
  order: ContainerOrder,
  spec: InstanceSpec,
): Promise<{ id: string; user: ContainerUser }> {
  const runtime = await services.runtime();
  const { entry } = order;
  const ids = (await runtime.isRootless())
    ? { uid: 0, gid: 0 }
    : { uid: services.user.uid, gid: services.user.gid };
  const image = await requireImage(runtime, spec.image);
  const worktree = realPathOf(entry.worktree);
  const reserved = [...reservedPlaces, worktree, order.repository.commonDir];
  const { binds, volumes } = parseVolumes(spec.volumes, services.cwd, reserved);
  const base = {
    labels: formatLabels({
      instance: entry.id,
      repo: entry.repo,
      branch: entry.branch,
      worktree: entry.worktree,
      owner: services.owner,
    }),
    env: await containerEnvironment(entry, order.git),
    user: `${String(ids.uid)}:${String(ids.gid)}`,
    mounts: [
      ...planMounts({
        worktree,
        commonDir: order.repository.commonDir,
        metadata: order.metadata,
        localRemotes: await order.git.localRemotes(),
        writableSubmodules: spec.writable_submodules,
        sshAgent: spec.ssh_agent ? requireSshAgent(services) : undefined,
      }),
      ...binds,
    ],
    volumes,
    ports: parsePorts(spec.ports),
    memory: spec.memory ?? undefined,
    cpus: spec.cpus ?? undefined,
    pids: spec.pids ?? undefined,
    network: spec.network ?? undefined,
  };
  const usable =
    image.user === '' || /^(root|0)(:|$)/.test(image.user)
      ? { id: image.id, derived: false }
      : { id: await deriveImage(services, image, ids), derived: true };
  const name = `hjk-${entry.repo_id}-${path.basename(entry.worktree)}`.replace(/[^A-Za-z0-9_.-]/g, '-');
  const id = await createNamed(
    services,
    runtime,
    { ...base, image: usable.id },
    [name, `${name}-${entry.id}`],
    entry.id,
  );
  const [passwd = '', group = ''] = await Promise.all(
    ['/etc/passwd', '/etc/group'].map(file => runtime.readFile(id, file)),
  );
  const plan = planUser(ids, {
    passwd,
    group,
    user: usable.derived ? findImageUser(image.user, passwd) : undefined,
  });
  await runtime.putEntries(id, [
    ...plan.entries,
    { kind: 'folder', path: '/headjack', mode: 0o755, ...ids },
    { kind: 'folder', path: '/headjack/config', mode: 0o755, ...ids },
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
    mounts: [],
    volumes: [],
    ports: [],
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

/** What everybody may see: no value of the user's. Settings under which git in the container is quiet and harmless. */
async function containerEnvironment(entry: InstanceEntry, git: RepositoryGit): Promise<string[]> {
  const { name, email } = await git.identity();
  const who = [
    ...(name === undefined ? [] : [`GIT_AUTHOR_NAME=${name}`, `GIT_COMMITTER_NAME=${name}`]),
    ...(email === undefined ? [] : [`GIT_AUTHOR_EMAIL=${email}`, `GIT_COMMITTER_EMAIL=${email}`]),
  ];
  const settings: readonly (readonly [string, string])[] = [
    ['push.default', 'current'],
    ['branch.autoSetupMerge', 'false'],
    ['commit.gpgsign', 'false'],
    ['tag.gpgsign', 'false'],
    ['core.fsmonitor', 'false'],
    ['gc.auto', '0'],
    ['repack.updateServerInfo', 'false'],
    ['maintenance.auto', 'false'],
    ['gc.reflogExpire', 'never'],
    ['gc.reflogExpireUnreachable', 'never'],
    ['gc.worktreePruneExpire', 'never'],
  ];
  return [
    ...who,
    `GIT_CONFIG_COUNT=${String(settings.length)}`,
    ...settings.flatMap(([key, value], i) => [
      `GIT_CONFIG_KEY_${String(i)}=${key}`,
      `GIT_CONFIG_VALUE_${String(i)}=${value}`,
    ]),
    `HEADJACK_INSTANCE_ID=${entry.id}`,
    `HEADJACK_BRANCH=${entry.branch}`,
    'HEADJACK_STATE_DIR=/headjack',
    'HEADJACK_CONFIG_DIR=/headjack/config',
  ];
}

/** @throws HeadjackError usage where no agent runs */
export function requireSshAgent(services: Services): { socket: string; knownHosts: string | undefined } {
  const socket = services.env['SSH_AUTH_SOCK'];
  if (socket === undefined || !fs.existsSync(socket)) {
    throw new HeadjackError(
      'usage',
      '--ssh-agent: no ssh agent runs here (SSH_AUTH_SOCK is not set, or names nothing)',
      {
        hint: 'start one: eval $(ssh-agent) && ssh-add',
      },
    );
  }
  const knownHosts = path.join(services.user.home, '.ssh', 'known_hosts');
  return { socket, knownHosts: fs.existsSync(knownHosts) ? knownHosts : undefined };
}

/** The variables of every program in the instance, besides the container's own. */
export function execEnvironment(
  spec: InstanceSpec | undefined,
  own: Readonly<Record<string, string>>,
  sessionId: string,
): string[] {
  return [
    ...(spec?.home === undefined ? [] : [`HOME=${spec.home}`]),
    ...(spec?.shell === undefined || spec.shell === '' ? [] : [`SHELL=${spec.shell}`]),
    ...(spec?.ssh_agent === true ? [`SSH_AUTH_SOCK=${SSH_SOCKET}`] : []),
    'IS_SANDBOX=1',
    'COLORTERM=truecolor',
    ...Object.entries(own).map(([name, value]) => `${name}=${value}`),
    `HEADJACK_SESSION_ID=${sessionId}`,
  ];
}

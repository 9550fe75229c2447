import fs from 'node:fs';
import type { InstanceEntry } from '../catalog/types.ts';
import { isKeepAliveItself } from '../container/keep-alive.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import type { BranchOrigin } from '../git/port.ts';
import { makePrivateFolder } from '../process/files.ts';
import { poll } from '../process/sleep.ts';
import { instanceFiles } from '../session/files.ts';
import { ensureWorktree, worktreeGone, type Made } from './ensure-worktree.ts';
import { closeSessions } from './end-sessions.ts';
import { findContainer } from './find-container.ts';
import { refuseOtherRuntime } from './other-runtime.ts';
import { chooseHostPaths } from './host-paths.ts';
import { saveEnvironment } from './instance-environment.ts';
import { isBuilt, loadSpec, saveSpec, unfinishedSpec, type InstanceSpec } from './instance-spec.ts';
import { createContainer } from './make-container.ts';
import { noteMasks, type MaskedFiles } from './masks.ts';
import { commitClaimed, throwIfInterrupted, type Claim } from './operation.ts';
import { ensureGitDirectory } from './own-git-directory.ts';
import { listPrograms } from './programs.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';

/** How a new instance is to be made; an existing one is made of what it was made of. */
export interface MakePlan {
  readonly spec: InstanceSpec;
  readonly env: Readonly<Record<string, string>>;
  /** Where the branch comes from, where that was just looked up. */
  readonly origin: BranchOrigin | undefined;
}

/**
 * Brings an instance from whatever state it is in to running: worktree, container, start. Every step finds out whether it is
 * done already, so it also finishes what a killed process left. The container's id is recorded before it starts.
 */
export async function bringUp(
  services: Services,
  held: Claim,
  repository: Repository,
  plan: MakePlan | undefined,
): Promise<Made> {
  const { entry } = held;
  const git = await services.git(repository, held.operation.id);
  const made: Made = { worktree: false, head: undefined, branchTip: undefined, endedSessions: [] };
  try {
    const files = instanceFiles(placesOf(services), entry.id);
    // before anything else: whoever finishes this after a crash needs to know what was asked for
    if (plan !== undefined) {
      makePrivateFolder(files.folder);
      saveEnvironment(files.env, plan.env);
      saveSpec(files.spec, plan.spec);
    }
    const spec = loadSpec(files.spec);
    if (spec === undefined && entry.container_id === '') throw unknownSpec(entry);
    await ensureWorktree(
      services,
      held,
      { repository, git, from: spec?.from ?? undefined, origin: plan?.origin },
      made,
    );
    throwIfInterrupted(services);
    services.progress.phase('container');
    const existing =
      entry.container_id === '' ? undefined : findContainer(await services.lister.list(), entry, services);
    throwIfInterrupted(services);
    if (existing === undefined) refuseOtherRuntime(services, entry);
    let container = existing;
    // a dev container whose commands never ran to their end is made anew
    if (container !== undefined && isBuilt(spec) && spec.user === undefined) {
      await (await services.runtime()).remove(container.id);
      container = undefined;
    }
    let started = container?.state === 'running';
    let id = container?.id;
    if (id === undefined) {
      if (spec === undefined) throw unknownSpec(entry);
      const keeper = await services.keeper(held.operation.id);
      const metadata = keeper.findMetadata(repository.commonDir, entry.worktree)?.folder;
      if (metadata === undefined) throw worktreeGone(entry);
      const hostPaths = await chooseHostPaths(services, { branch: entry.branch, repository, git });
      const order = { entry, repository, git, metadata, hostPaths };
      if (spec.git === 'own') await ensureGitDirectory(services, order, { isNew: made.worktree });
      const masked = masksOf(spec, repository);
      if (isBuilt(spec)) saveSpec(files.spec, unfinishedSpec(spec));
      const { user, ...fresh } = isBuilt(spec)
        ? await (await import('./devcontainer/up.ts')).upDevcontainer(services, held, order, spec)
        : await createContainer(services, order, spec);
      id = fresh.id;
      started ||= isBuilt(spec);
      saveSpec(files.spec, {
        ...spec,
        ...('devcontainer' in fresh ? { devcontainer: fresh.devcontainer, ...masked } : {}),
        runtime: services.settings.runtimeName,
        host_paths: hostPaths,
        user: `${String(user.uid)}:${String(user.gid)}`,
        home: user.home,
        shell: user.shell,
      });
    }
    throwIfInterrupted(services);
    const recorded = id;
    await commitClaimed(services, held, found => {
      found.container_id = recorded;
    });
    if (!started) await startContainer(services, held, repository, { container: id, spec, made });
    throwIfInterrupted(services);
    return made;
  } catch (error) {
    throw new BringUpFailed(error, made);
  }
}

/** A git directory of its own lies under no mask. */
function masksOf(spec: InstanceSpec | undefined, repository: Repository): { masked?: MaskedFiles } {
  return spec?.git === 'own' ? {} : { masked: noteMasks(repository) };
}

/** Starts a container that was made, or stopped. */
async function startContainer(
  services: Services,
  held: Claim,
  repository: Repository,
  at: { readonly container: string; readonly spec: InstanceSpec | undefined; readonly made: Made },
): Promise<void> {
  const { entry } = held;
  const { container, spec, made } = at;
  services.progress.phase('start');
  made.endedSessions = await closeSessions(services, entry);
  const masked = masksOf(spec, repository);
  try {
    if (spec?.devcontainer?.compose === true)
      await (await import('./devcontainer/compose-project.ts')).switchProject(services, entry.id, true);
    await (await services.runtime()).start(container);
    if (spec?.devcontainer?.own_command !== true)
      await requireKeepAlive(
        services,
        container,
        spec?.flags?.findLast(flag => flag.name === 'entrypoint')?.value,
      );
  } catch (error) {
    throw await explainStart(services, spec?.image, error);
  }
  const { spec: file } = instanceFiles(placesOf(services), entry.id);
  const started = loadSpec(file);
  if (started !== undefined) saveSpec(file, { ...started, ...masked });
  if (isBuilt(spec))
    await (
      await import('./devcontainer/up.ts')
    ).runStartCommands(services, { held, repository, spec, container });
}

/**
 * Waits until the keep-alive runs: with an init of the engine's, a start succeeds even where the image has no `sh`.
 * @throws HeadjackError image_unsuitable
 */
async function requireKeepAlive(
  services: Services,
  container: string,
  entrypoint: string | undefined,
): Promise<void> {
  const runs = await poll(
    async () => {
      throwIfInterrupted(services);
      if ((await listPrograms(services, container))?.some(isKeepAliveItself) === true) return true;
      const found = (await services.lister.list()).find(c => c.id === container);
      return found?.state === 'running' ? undefined : false;
    },
    { everyMs: 10, limitMs: 10_000 },
  );
  if (runs === true) return;
  if (entrypoint !== undefined)
    throw new HeadjackError(
      'image_unsuitable',
      `the entrypoint ${entrypoint} ended, or never ran what it was given`,
      {
        hint: 'it has to `exec "$@"` in the end, as the entrypoints of images do',
      },
    );
  throw new HeadjackError(
    'image_unsuitable',
    'the image has no `sh` and `sleep`, which every instance needs',
    {
      hint: 'choose an image with a POSIX shell: hjk run <branch> --image <ref>',
    },
  );
}

/** Programs for another processor fail in as many ways as there are engines. */
async function explainStart(services: Services, image: string | undefined, error: unknown): Promise<unknown> {
  if (image === undefined || image === '' || !(error instanceof HeadjackError)) return error;
  const runtime = await services.runtime();
  const engine = await runtime.identify();
  const found = await runtime.findImage(image);
  if (found === undefined || found.architecture === engine.architecture) return error;
  return new HeadjackError(
    'image_unsuitable',
    `image ${image} is for ${found.architecture}; this engine runs programs for ${engine.architecture}`,
    {
      hint: `choose an image for ${engine.architecture}, or install an emulator (qemu-user-static)`,
      cause: error,
    },
  );
}

/** Removes what never ran, and what it was made of: the next `run` decides anew. Failures are left to it, too. */
export async function dropFresh(services: Services, held: Claim): Promise<void> {
  const { entry } = held;
  try {
    const { isOurs } = await import('../container/labels.ts');
    const fresh = (await services.lister.list()).filter(
      c => c.fresh && isOurs(c.labels, entry.id, services.owner),
    );
    for (const container of fresh) await (await services.runtime()).remove(container.id);
    await commitClaimed(services, held, found => {
      if (fresh.some(container => container.id === found.container_id)) found.container_id = '';
    });
    const files = instanceFiles(placesOf(services), entry.id);
    for (const file of [files.spec, files.env]) fs.rmSync(file, { force: true });
  } catch {
    // the engine is gone, or another hjk took over
  }
}

/** Carries what an attempt had made to whoever undoes it. Never leaves the operations. */
export class BringUpFailed extends Error {
  readonly failure: unknown;
  readonly made: Made;
  constructor(failure: unknown, made: Made) {
    super('bring-up failed');
    this.failure = failure;
    this.made = made;
  }
}

function unknownSpec(entry: InstanceEntry): HeadjackError {
  return new HeadjackError(
    'not_running',
    `what the container of branch "${entry.branch}" is to be made of is not known`,
    {
      hint:
        entry.container_id === ''
          ? `hjk run ${entry.branch}`
          : `make its container anew, on the same worktree: hjk recreate ${entry.branch}`,
    },
  );
}

import fs from 'node:fs';
import path from 'node:path';
import type { InstanceEntry } from '../catalog/types.ts';
import { isKeepAliveItself } from '../container/keep-alive.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import type { BranchOrigin } from '../git/port.ts';
import { lockReason } from '../git/metadata.ts';
import { makePrivateFolder } from '../process/files.ts';
import { poll } from '../process/sleep.ts';
import { instanceFiles } from '../session/files.ts';
import { findContainer } from './find-container.ts';
import { loadSpec, saveEnvironment, saveSpec, type InstanceSpec } from './instance-spec.ts';
import { createContainer } from './make-container.ts';
import { noteMasks } from './masks.ts';
import { commitClaimed, throwIfInterrupted, type Claim } from './operation.ts';
import type { RepositoryGit, Services } from './services.ts';
import { placesOf } from './session-states.ts';

/** How a new instance is to be made; an existing one is made of what it was made of. */
export interface MakePlan {
  readonly spec: InstanceSpec;
  readonly env: Readonly<Record<string, string>>;
  /** Where the branch comes from, where that was just looked up. */
  readonly origin: BranchOrigin | undefined;
}

/** What was made by this very attempt: what a failure has to undo. */
export interface Made {
  worktree: boolean;
  branchTip: string | undefined;
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
  const made: Made = { worktree: false, branchTip: undefined };
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
    let id = existing?.id;
    if (id === undefined) {
      if (spec === undefined) throw unknownSpec(entry);
      const keeper = await services.keeper(held.operation.id);
      const metadata = keeper.findMetadata(repository.commonDir, entry.worktree)?.folder;
      if (metadata === undefined) throw worktreeGone(entry);
      const container = await createContainer(services, { entry, repository, git, metadata }, spec);
      id = container.id;
      const { user } = container;
      saveSpec(files.spec, {
        ...spec,
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
    if (existing?.state !== 'running') {
      services.progress.phase('start');
      const masked = noteMasks(repository);
      await (await services.runtime()).start(id);
      await requireKeepAlive(services, id);
      const started = loadSpec(files.spec);
      if (started !== undefined) saveSpec(files.spec, { ...started, masked });
    }
    throwIfInterrupted(services);
    return made;
  } catch (error) {
    throw new BringUpFailed(error, made);
  }
}

/**
 * Waits until the keep-alive runs: with an init of the engine's, a start succeeds even where the image has no `sh`.
 * @throws HeadjackError image_unsuitable
 */
async function requireKeepAlive(services: Services, container: string): Promise<void> {
  const runtime = await services.runtime();
  const runs = await poll(
    async () => {
      if ((await runtime.processes(container)).some(isKeepAliveItself)) return true;
      const found = (await services.lister.list()).find(c => c.id === container);
      return found?.state === 'running' ? undefined : false;
    },
    { everyMs: 10, limitMs: 10_000 },
  );
  if (runs === true) return;
  throw new HeadjackError(
    'image_unsuitable',
    'the image has no `sh` and `sleep`, which every instance needs',
    {
      hint: 'choose an image with a POSIX shell: hjk run <branch> --image <ref>',
    },
  );
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
          : `make it anew: hjk rm ${entry.branch} && hjk run ${entry.branch}`,
    },
  );
}

function worktreeGone(entry: InstanceEntry): HeadjackError {
  return new HeadjackError(
    'path_in_the_way',
    `the worktree ${entry.worktree} of branch "${entry.branch}" is gone, or no longer one of this repository`,
    {
      hint: `hjk rm ${entry.branch}, then hjk run ${entry.branch}`,
    },
  );
}

async function ensureWorktree(
  services: Services,
  held: Claim,
  at: {
    repository: Repository;
    git: RepositoryGit;
    from: string | undefined;
    origin: BranchOrigin | undefined;
  },
  made: Made,
): Promise<void> {
  const { entry } = held;
  const { repository, git } = at;
  const keeper = await services.keeper(held.operation.id);
  const metadata = keeper.findMetadata(repository.commonDir, entry.worktree);
  const present = fs.existsSync(path.join(entry.worktree, '.git'));
  const neverRan = entry.container_id === '';
  if (metadata !== undefined && present && !(neverRan && held.takenFrom !== undefined)) {
    keeper.lock(metadata, lockReason(entry.id));
    return;
  }
  if (!neverRan) throw worktreeGone(entry);
  services.progress.phase('worktree');
  if (metadata !== undefined) await removeHalfMade(services, held, repository, git);
  else refuseStranger(entry);
  const origin =
    at.origin ??
    (await git.planBranch(
      entry.branch,
      (await git.findCommit(`refs/heads/${entry.branch}`)) === undefined ? at.from : undefined,
    ));
  throwIfInterrupted(services);
  makePrivateFolder(path.dirname(entry.worktree));
  made.worktree = true;
  try {
    await git.addWorktree(entry.worktree, entry.branch, origin);
  } catch (error) {
    await git.requireNotCheckedOut(entry.branch, entry.worktree); // says it better
    throw error;
  }
  if (origin.kind !== 'local') made.branchTip = origin.commit;
  const added = keeper.findMetadata(repository.commonDir, entry.worktree);
  if (added !== undefined) keeper.lock(added, lockReason(entry.id));
}

/** A killed `git worktree add` leaves a tree that differs from its commit by missing files only: that is made again. */
async function removeHalfMade(
  services: Services,
  held: Claim,
  repository: Repository,
  git: RepositoryGit,
): Promise<void> {
  const { entry } = held;
  const keeper = await services.keeper(held.operation.id);
  const subject = {
    instanceId: entry.id,
    commonDir: repository.commonDir,
    worktree: entry.worktree,
    branch: entry.branch,
    deleteBranch: false,
  };
  const metadata = keeper.findMetadata(repository.commonDir, entry.worktree);
  // the lock that a killed git leaves on its own index protects nothing any more: its program was waited for
  if (metadata !== undefined) fs.rmSync(path.join(metadata.folder, 'index.lock'), { force: true });
  const look = await keeper.look(subject);
  const empty = look.changes === undefined || look.changes.index.length + look.changes.untracked.length === 0;
  const adds = empty ? false : await keeper.addsTo(look, '', await keeper.writeTree(look, entry.worktree));
  const halfMade =
    look.changes === undefined &&
    !fs.existsSync(path.join(entry.worktree, '.git')) &&
    isEmptyOrGone(entry.worktree);
  if (!halfMade && (look.unknown || adds || look.unreachable.length > 0)) {
    throw new HeadjackError('unsafe', `the half-made worktree ${entry.worktree} holds work`, {
      details: look.reasons,
      hint: `hjk rm ${entry.branch}`,
    });
  }
  keeper.deleteFolder(entry.worktree);
  if (metadata !== undefined) keeper.unlock(metadata);
  await git.forgetWorktree(entry.worktree);
}

function isEmptyOrGone(folder: string): boolean {
  return !fs.existsSync(folder) || fs.readdirSync(folder).length === 0;
}

/** @throws HeadjackError path_in_the_way */
export function refuseStranger(entry: Pick<InstanceEntry, 'worktree' | 'branch'>): void {
  const stat = fs.lstatSync(entry.worktree, { throwIfNoEntry: false });
  if (stat === undefined || (stat.isDirectory() && fs.readdirSync(entry.worktree).length === 0)) return;
  throw new HeadjackError(
    'path_in_the_way',
    `${entry.worktree} is in the way of the worktree for branch "${entry.branch}"`,
    {
      hint: `move it away: mv ${entry.worktree} ${entry.worktree}.old`,
    },
  );
}

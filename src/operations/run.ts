import path from 'node:path';
import type { InstanceEntry } from '../catalog/types.ts';
import { isValidBranch } from '../core/branch.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import { bridgeIfRunning } from './bridge.ts';
import { instanceFiles } from '../session/files.ts';
import { bringUp, BringUpFailed, type MakePlan } from './bring-up.ts';
import { chooseSource } from './devcontainer/choose.ts';
import { branchReader, devcontainerPlace } from './devcontainer/find.ts';
import { findInstance, requireRepository } from './find-instance.ts';
import { hasPath } from './host-paths.ts';
import { parseEnvironment } from './instance-environment.ts';
import { differences, loadSpec, parseSpec, type InstanceSpec } from './instance-spec.ts';
import {
  claim,
  isDead,
  refuseHalfRestored,
  release,
  throwIfInterrupted,
  waitForOthers,
  type Claim,
} from './operation.ts';
import { commitNewInstance } from './new-instance.ts';
import type { RunOptions } from './options.ts';
import { gitKind } from './own-git-directory.ts';
import { finishRemoval } from './remove.ts';
import { judgeInstance } from './reconcile/instance-state.ts';
import { withConfiguredFlags } from './runtime-flags.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';
import { undoRun } from './undo-run.ts';

export interface RunResult {
  readonly entry: InstanceEntry;
  /** Set where the container lacks what git needs: one of the original's. */
  readonly foreign: boolean;
  /** Sessions that are found to have ended with their container, by name. */
  readonly endedSessions: readonly string[];
}

/**
 * Makes the instance of a branch, or brings the existing one up. Of many at once one makes it, the others wait for it.
 * Everything that this call made is removed again if it fails.
 */
export async function runInstance(services: Services, options: RunOptions): Promise<RunResult> {
  const { branch } = options;
  if (!isValidBranch(branch))
    throw new HeadjackError(
      'branch_invalid',
      `${JSON.stringify(branch)} is no branch name that git accepts`,
      { hint: 'git check-ref-format --branch <name> shows the rules' },
    );
  const repository = requireRepository(services);
  for (;;) {
    throwIfInterrupted(services);
    const existing = await services.catalog.read(catalog =>
      structuredClone(findInstance(catalog, repository, branch)),
    );
    const done =
      existing === undefined
        ? await makeNew(services, repository, options)
        : await bringUpExisting(services, repository, existing, options);
    if (done !== undefined) {
      services.progress.done();
      return done;
    }
  }
}

async function makeNew(
  services: Services,
  repository: Repository,
  options: RunOptions,
): Promise<RunResult | undefined> {
  const made = await commitNewInstance(services, repository, options);
  return made === undefined ? undefined : bringUpClaimed(services, made.held, repository, made.plan, true);
}

async function bringUpExisting(
  services: Services,
  repository: Repository,
  existing: InstanceEntry,
  options: RunOptions,
): Promise<RunResult | undefined> {
  const { operation } = existing;
  if (operation !== undefined && !isDead(operation)) {
    await waitForOthers(services, existing.id);
    return undefined;
  }
  refuseHalfRestored(existing);
  const files = instanceFiles(placesOf(services), existing.id);
  const made = loadSpec(files.spec);
  if (operation?.deleting !== undefined) {
    const held = await claim(services, existing, 'rm');
    if (held !== undefined) await finishRemoval(services, held);
    return undefined;
  }
  if (made !== undefined) refuseOtherOptions(services, existing, made, options);
  else if (existing.container_id === '') {
    // nothing was decided before its maker died: this call decides
    const all = withConfiguredFlags(services, options);
    const env = parseEnvironment(all, services.env);
    const git = await services.git(repository);
    const commit = (await git.findCommit(`refs/heads/${options.branch}`)) ?? options.from ?? 'HEAD';
    const source = await chooseSource(services, {
      repository,
      branch: options.branch,
      read: branchReader(git, existing.worktree, commit),
      options,
    });
    const spec = parseSpec(all, { ...source, ...gitKind(services) }, services.cwd);
    const held = await claim(services, existing, 'run');
    return held === undefined
      ? undefined
      : bringUpClaimed(services, held, repository, { spec, env, origin: undefined });
  }
  if (judgeInstance(existing, await services.lister.list(), services).ready) {
    await bridgeIfRunning(services, existing);
    return { entry: existing, foreign: made === undefined, endedSessions: [] };
  }
  const held = await claim(
    services,
    existing,
    operation === undefined && existing.status === 'stopped' ? 'start' : 'run',
  );
  return held === undefined ? undefined : bringUpClaimed(services, held, repository, undefined);
}

function refuseOtherOptions(
  services: Services,
  existing: InstanceEntry,
  made: InstanceSpec,
  options: RunOptions,
): void {
  const devcontainerFile =
    options.devcontainer === undefined ? undefined : devcontainerPlace(options.devcontainer);
  const source = { image: options.image ?? made.image, devcontainerFile };
  const found = differences(made, parseSpec(options, source, services.cwd), options);
  if (options.from !== undefined) found.push('--from: the branch exists already');
  for (const place of options.allowPaths)
    if (!hasPath(made.host_paths, path.resolve(services.cwd, place)))
      found.push(`--allow-path: made without ${place}`);
  if (found.length === 0) return;
  throw new HeadjackError(
    'options_differ',
    `the instance ${existing.id} of branch "${existing.branch}" was made with other options`,
    {
      details: found,
      hint:
        options.from === undefined
          ? `to make its container anew with them, on the same worktree: hjk recreate ${existing.branch} …`
          : 'leave --from out, or choose another branch',
    },
  );
}

async function bringUpClaimed(
  services: Services,
  held: Claim,
  repository: Repository,
  plan: MakePlan | undefined,
  isNew = false,
): Promise<RunResult> {
  try {
    const { endedSessions } = await bringUp(services, held, repository, plan);
    const entry = await release(services, held, found => {
      found.status = 'running';
    });
    const files = instanceFiles(placesOf(services), entry.id);
    return { entry, foreign: loadSpec(files.spec) === undefined, endedSessions };
  } catch (error) {
    if (!(error instanceof BringUpFailed)) throw error;
    const { failure, made } = error;
    if (failure instanceof HeadjackError && failure.code === 'operation_lost') throw failure;
    throw await undoRun(services, held, { repository, made, isNew }, failure);
  }
}

import type { InstanceEntry } from '../catalog/types.ts';
import type { Repository } from '../core/repository.ts';
import { HeadjackError } from '../errors.ts';
import { discoverRepository } from '../git/discover.ts';
import { makePrivateFolder } from '../process/files.ts';
import { instanceFiles } from '../session/files.ts';
import { bringUp, BringUpFailed, dropFresh } from './bring-up.ts';
import { chooseSource } from './devcontainer/choose.ts';
import { branchReader, devcontainerName } from './devcontainer/find.ts';
import { worktreeGone } from './ensure-worktree.ts';
import { requireInstance, requireRepository } from './find-instance.ts';
import { allowPaths } from './host-paths.ts';
import { loadEnvironment, parseEnvironment, saveEnvironment } from './instance-environment.ts';
import { loadSpec, mergeSpec, parseSpec, saveSpec, type InstanceSpec } from './instance-spec.ts';
import { checkOptions } from './new-instance.ts';
import { claimOrRefuse, refuseBusy, refuseHalfRestored, release, type Claim } from './operation.ts';
import type { RunOptions } from './options.ts';
import { gitKind } from './own-git-directory.ts';
import { judgeInstance } from './reconcile/instance-state.ts';
import { withConfiguredFlags } from './runtime-flags.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';
import { stopContainer } from './stop.ts';
import { subjectOf } from './subject.ts';

export interface RecreateOptions extends RunOptions {
  readonly yes: boolean;
  /** Asks on a terminal. @throws HeadjackError confirmation_required without one */
  readonly confirm: (entry: InstanceEntry) => Promise<boolean>;
}

/**
 * Makes the container of an instance anew, with what it was made of but for what is given; the worktree is not touched. Order:
 * check everything → operation → sessions, container stopped → container removed → new spec → new container. A crash before the
 * new spec leaves an instance without a container, which `run` makes of the old spec. Undefined where the user said no.
 */
export async function recreateInstance(
  services: Services,
  options: RecreateOptions,
): Promise<InstanceEntry | undefined> {
  const here = requireRepository(services);
  const entry = await services.catalog.read(catalog =>
    structuredClone(requireInstance(catalog, here, options.branch)),
  );
  refuseBusy(entry);
  refuseHalfRestored(entry);
  if (entry.operation?.deleting !== undefined || entry.status === 'creating')
    throw new HeadjackError('not_running', `the instance of branch "${entry.branch}" is not whole`, {
      hint: entry.operation?.deleting === undefined ? `hjk run ${entry.branch}` : `hjk rm ${entry.branch}`,
    });
  const repository = discoverRepository(entry.repo) ?? here;
  const files = instanceFiles(placesOf(services), entry.id);
  const old = loadSpec(files.spec);
  const git = await services.git(repository);
  const commit = (await git.findCommit(`refs/heads/${entry.branch}`)) ?? 'HEAD';
  // a devcontainer.json counts as it is in the worktree now; an image stays what it was
  const source = await chooseSource(services, {
    repository,
    branch: entry.branch,
    read: branchReader(git, entry.worktree, commit),
    options: { ...options, ...sourceOf(old, options) },
  });
  // an instance of which nothing is known is made as a new one
  const all = old === undefined ? withConfiguredFlags(services, options) : options;
  const given = parseSpec(all, { ...source, ...gitKind(services) }, services.cwd);
  checkOptions(services, all);
  const oldEnv = loadEnvironment(files.env);
  const env = { ...oldEnv, ...parseEnvironment(all, services.env) };
  const spec = mergeSpec(old, given, options);
  const state = judgeInstance(entry, await services.lister.list(), services);
  if (!state.worktree) throw worktreeGone(entry);
  if (state.container !== undefined && !options.yes && !(await options.confirm(entry))) return undefined;
  await allowPaths(services, { branch: entry.branch, repository, git }, options.allowPaths);
  const held = await claimOrRefuse(services, entry, 'recreate');
  return replaceContainer(services, held, repository, { spec, env, old, oldEnv });
}

/** What the instance is made of, where nothing else is given. One at a usual place is looked for anew. */
function sourceOf(
  old: InstanceSpec | undefined,
  options: RunOptions,
): Pick<RunOptions, 'image' | 'devcontainer'> {
  if (options.image !== undefined || options.devcontainer !== undefined || old === undefined) return options;
  return old.devcontainer === undefined
    ? { image: old.image, devcontainer: undefined }
    : { image: undefined, devcontainer: devcontainerName(old.devcontainer_file) };
}

/**
 * Stores what is in the worktree before the container is touched: what a container that is made anew mounts, and runs as it comes
 * up, may change it. @throws HeadjackError git_failed, disk_full: nothing was touched
 */
async function storeFirst(services: Services, held: Claim, repository: Repository): Promise<void> {
  const { entry } = held;
  const keeper = await services.keeper(held.operation.id);
  const subject = subjectOf(entry, repository);
  const store = async (): Promise<void> => {
    const look = await keeper.look(subject);
    if (look.unknown)
      services.progress.note(`the work in ${entry.worktree} cannot be stored: ${look.reasons[0] ?? ''}`);
    else if (keeper.needsSnapshot(look)) await keeper.store(subject, look);
  };
  let stopped = false;
  services.progress.phase('storing work');
  try {
    await store().catch(async (error: unknown) => {
      if (!(error instanceof HeadjackError) || error.code !== 'busy') throw error;
      await stopContainer(services, entry); // what writes there ends with it
      stopped = true;
      await store();
    });
  } catch (error) {
    await release(services, held, found => {
      if (stopped) found.status = 'stopped';
    }).catch(() => undefined);
    throw error;
  }
}

async function replaceContainer(
  services: Services,
  held: Claim,
  repository: Repository,
  made: {
    spec: InstanceSpec;
    env: Readonly<Record<string, string>>;
    old: InstanceSpec | undefined;
    oldEnv: Record<string, string>;
  },
): Promise<InstanceEntry> {
  const { entry } = held;
  const files = instanceFiles(placesOf(services), entry.id);
  await storeFirst(services, held, repository);
  try {
    await stopContainer(services, entry);
    const { container } = judgeInstance(entry, await services.lister.list(), services);
    if (container !== undefined) await (await services.runtime()).remove(container.id);
    makePrivateFolder(files.folder);
    saveEnvironment(files.env, made.env);
    saveSpec(files.spec, made.spec);
    await bringUp(services, held, repository, undefined);
    const done = await release(services, held, found => {
      found.status = 'running';
    });
    services.progress.done();
    return done;
  } catch (error) {
    const failure = error instanceof BringUpFailed ? error.failure : error;
    // `run` is to make what worked before
    await dropFresh(services, held);
    if (made.old !== undefined) {
      saveSpec(files.spec, made.old);
      saveEnvironment(files.env, made.oldEnv);
    }
    await release(services, held, found => {
      found.status = found.container_id === '' ? 'stopped' : 'error';
    }).catch(() => undefined);
    throw failure;
  }
}

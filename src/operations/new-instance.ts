import fs from 'node:fs';
import path from 'node:path';
import type { Catalog, InstanceEntry } from '../catalog/types.ts';
import { worktreeFolder } from '../core/branch.ts';
import { repositoryId, type Repository } from '../core/repository.ts';
import { formatTime } from '../core/time.ts';
import { HeadjackError } from '../errors.ts';
import type { MakePlan } from './bring-up.ts';
import { refuseStranger } from './ensure-worktree.ts';
import { chooseSource } from './devcontainer/choose.ts';
import { branchReader } from './devcontainer/find.ts';
import { belongsTo, findInstance } from './find-instance.ts';
import { allowPaths } from './host-paths.ts';
import { parseEnvironment } from './instance-environment.ts';
import { parseSpec } from './instance-spec.ts';
import { requireSshAgent } from './container-environment.ts';
import { parseMaking, reservedPlaces } from './make-container.ts';
import { newOperation, type Claim } from './operation.ts';
import type { RunOptions } from './options.ts';
import { gitKind } from './own-git-directory.ts';
import { withConfiguredFlags } from './runtime-flags.ts';
import type { Services } from './services.ts';

/**
 * Checks all that can be checked before anything is made, then commits the entry, with our operation on it.
 * Undefined where somebody else made the branch's instance meanwhile: then that one is to be waited for.
 */
export async function commitNewInstance(
  services: Services,
  repository: Repository,
  options: RunOptions,
): Promise<{ held: Claim; plan: MakePlan } | undefined> {
  const { branch } = options;
  const all = withConfiguredFlags(services, options);
  const env = parseEnvironment(all, services.env);
  checkOptions(services, all);
  const operation = newOperation(services, 'run');
  const places = worktreesFolder(services);
  const of = { id: services.randomHex(4), repository, branch, places, now: services.now() };
  try {
    // the engine's library and its first answer take as long as git does: both at once
    services
      .runtime()
      .then(engine => engine.identify())
      .catch(() => undefined);
    const git = await services.git(repository, operation.id);
    const origin = await git.planBranch(branch, options.from);
    const source = await chooseSource(services, {
      repository,
      branch,
      read: branchReader(git, undefined, origin.commit),
      options,
    });
    const spec = parseSpec(all, { ...source, ...gitKind(services) }, services.cwd);
    const planned = await services.catalog.read(catalog => newEntry(catalog, of));
    refuseStranger(planned);
    await git.requireNotCheckedOut(branch, planned.worktree);
    await allowPaths(services, { branch, repository, git }, options.allowPaths);
    const entry = await services.catalog.update(draft => {
      if (findInstance(draft, repository, branch) !== undefined) return undefined;
      const made = { ...newEntry(draft, of), operation };
      draft.entries.push(made);
      return structuredClone(made);
    });
    return entry === undefined
      ? undefined
      : { held: { entry, operation, takenFrom: undefined }, plan: { spec, env, origin } };
  } catch (error) {
    // what is in the way may be the very worktree that another run of the branch is making
    if (await services.catalog.read(catalog => findInstance(catalog, repository, branch) !== undefined))
      return undefined;
    throw error;
  }
}

/** A bad flag is told before git or the engine are asked. @throws HeadjackError usage */
export function checkOptions(services: Services, options: RunOptions): void {
  const { mounts, engine } = parseMaking(
    parseSpec(options, { image: '' }, services.cwd),
    services.cwd,
    reservedPlaces,
  );
  // podman would make a folder, or say nothing
  for (const { source } of mounts.binds)
    if (!fs.existsSync(source)) throw missingHere(`bind source path does not exist: ${source}`);
  for (const { host } of engine.devices)
    if (!fs.existsSync(host)) throw missingHere(`no such device: ${host}`);
  if (options.sshAgent) requireSshAgent(services);
}

function missingHere(what: string): HeadjackError {
  return new HeadjackError('usage', what, { hint: 'check the path; nothing was made' });
}

/** `..` in a configured folder is followed: the catalog takes plain paths only. */
export function worktreesFolder(services: Services): string {
  const given = services.paths.worktrees;
  return given.split('/').includes('..') ? path.resolve(given) : given;
}

export function newEntry(
  catalog: Readonly<Catalog>,
  of: { id: string; repository: Repository; branch: string; places: string; now: number },
): InstanceEntry {
  const siblings = catalog.entries.filter(entry => belongsTo(entry, of.repository));
  const repoId = siblings[0]?.repo_id ?? repositoryId(of.repository);
  const folder = path.join(of.places, repoId);
  const taken = new Set(
    catalog.entries.filter(e => path.dirname(e.worktree) === folder).map(e => path.basename(e.worktree)),
  );
  return {
    id: of.id,
    repo: of.repository.root,
    repo_id: repoId,
    branch: of.branch,
    worktree: path.join(folder, worktreeFolder(of.branch, taken)),
    container_id: '',
    created_at: formatTime(of.now),
    status: 'creating',
    sessions: [],
  };
}

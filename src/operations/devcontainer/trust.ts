import { approvedVariables } from '../../devcontainer/host-variables.ts';
import { findReaches } from '../../devcontainer/reaches.ts';
import { createTrustStore, shownContent, type TrustStore } from '../../devcontainer/trust-store.ts';
import type { Repository } from '../../core/repository.ts';
import { HeadjackError } from '../../errors.ts';
import { diffTexts } from '../../git/diff-texts.ts';
import { findInstance, requireRepository } from '../find-instance.ts';
import type { Services } from '../services.ts';
import { loadSpec } from '../instance-spec.ts';
import { placesOf } from '../session-states.ts';
import { instanceFiles } from '../../session/files.ts';
import { branchReader, devcontainerName, findDevcontainer, type Devcontainer } from './find.ts';

/** The configuration as it is written: variables stand for themselves. */
const asWritten = { worktree: '${localWorkspaceFolder}', devcontainerId: '${devcontainerId}' };

export function trustStore(services: Services, repository: Repository): TrustStore {
  return createTrustStore(services.paths.state_root, repository.commonDir);
}

/** What a devcontainer.json reaches of this machine: by what it says, and by what it was seen to bring in. */
function reachesOf(store: TrustStore, { config, content }: Devcontainer): string[] {
  return [...new Set([...findReaches(config, content, asWritten), ...store.seen(content.digest)])];
}

/** @throws HeadjackError untrusted */
export function requireTrust(
  services: Services,
  repository: Repository,
  branch: string,
  devcontainer: Devcontainer,
): void {
  const store = trustStore(services, repository);
  const reaches = reachesOf(store, devcontainer);
  const approved = store.find(devcontainer.content.digest)?.reaches ?? [];
  const open = reaches.filter(line => !approved.includes(line));
  if (open.length > 0) throw untrusted(branch, devcontainer.content.file, open);
}

/** The variables of this machine that are approved for a devcontainer.json as it is. */
export function trustedVariables(
  services: Services,
  repository: Repository,
  { content }: Devcontainer,
): string[] {
  return approvedVariables(trustStore(services, repository).find(content.digest)?.reaches ?? []);
}

export function untrusted(branch: string, file: string, reaches: readonly string[]): HeadjackError {
  const name = devcontainerName(file);
  return new HeadjackError(
    'untrusted',
    `${file} of branch "${branch}" reaches this machine, and is not approved`,
    {
      details: reaches,
      hint: `look at it and approve it: hjk trust ${branch}${name === undefined ? '' : ` --devcontainer ${name}`}, or do without it: --image <ref>`,
    },
  );
}

/** What `hjk trust` shows before it asks. */
export interface TrustView {
  readonly file: string;
  readonly digest: string;
  readonly reaches: readonly string[];
  readonly approved: boolean;
  /** Against what was approved last, or against nothing; '' where it is the same. */
  readonly diff: string;
}

export interface TrustOptions {
  readonly branch: string;
  /** As `run --from`, for a branch that does not exist yet. */
  readonly from: string | undefined;
  /** Which of the branch, as `run --devcontainer`; else that of its instance. */
  readonly devcontainer: string | undefined;
  /** Asks on a terminal. @throws HeadjackError confirmation_required without one */
  readonly confirm: (view: TrustView) => Promise<boolean>;
}

/**
 * Approves the devcontainer.json of a branch, with every file that it names, as they are now. Of an instance it is the one in the
 * worktree, else that of the branch's commit. Gives what it is about and whether it is approved now; undefined for a branch that
 * has none.
 */
export async function trustBranch(services: Services, options: TrustOptions): Promise<TrustView | undefined> {
  const repository = requireRepository(services);
  const entry = await services.catalog.read(catalog =>
    structuredClone(findInstance(catalog, repository, options.branch)),
  );
  const git = await services.git(repository);
  const { commit } = await git.planBranch(options.branch, options.from);
  const made = entry === undefined ? undefined : loadSpec(instanceFiles(placesOf(services), entry.id).spec);
  const wanted = options.devcontainer ?? devcontainerName(made?.devcontainer_file);
  const found = await findDevcontainer(branchReader(git, entry?.worktree, commit), wanted);
  if (found === undefined) return undefined;
  const { content } = found;
  const store = trustStore(services, repository);
  const reaches = reachesOf(store, found);
  const known = store.find(content.digest);
  const approved = reaches.every(line => known?.reaches.includes(line) === true);
  const last = known ?? store.findLast(content.file);
  const now = Object.fromEntries(content.files.map(file => [file.path, shownContent(file)]));
  const view = {
    file: content.file,
    digest: content.digest,
    reaches,
    approved,
    diff: await diffTexts(last?.files ?? {}, now, services.env),
  };
  if (approved || reaches.length === 0 || !(await options.confirm(view))) return view;
  store.approve(content, reaches, services.now());
  return { ...view, approved: true };
}

/** Takes back every approval of the repository. Gives how many there were. */
export function revokeTrust(services: Services): number {
  return trustStore(services, requireRepository(services)).revoke();
}

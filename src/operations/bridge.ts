import type { InstanceEntry } from '../catalog/types.ts';
import { messageOf } from '../errors.ts';
import { commonDirOf } from '../git/discover.ts';
import { hasChanged } from '../git-directory/bridge/has-changed.ts';
import type { PassReport } from '../git-directory/bridge/report.ts';
import { loadState, type BridgeState } from '../git-directory/bridge/state.ts';
import type { BridgeSubject } from '../git-directory/bridge/subject.ts';
import { gitDirectoryPlaces, type GitDirectoryPlaces } from '../git-directory/places.ts';
import { poll } from '../process/sleep.ts';
import { realPathOf } from '../process/files.ts';
import type { BridgeOrder } from '../session/bridge-watch.ts';
import { instanceFiles } from '../session/files.ts';
import { findContainer } from './find-container.ts';
import { loadSpec, type InstanceSpec } from './instance-spec.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';

interface Bridged {
  readonly entry: InstanceEntry;
  readonly container: string;
}

/** Undefined for an instance that shares the repository's git directory, or whose repository is gone. */
function placesOfBridge(
  services: Services,
  entry: InstanceEntry,
):
  | (GitDirectoryPlaces & {
      readonly commonDir: string;
      readonly spec: InstanceSpec;
      readonly folder: string;
    })
  | undefined {
  const files = instanceFiles(placesOf(services), entry.id);
  const spec = loadSpec(files.spec);
  const commonDir = spec?.git === 'own' ? commonDirOf(entry.repo) : undefined;
  return spec === undefined || commonDir === undefined
    ? undefined
    : { ...gitDirectoryPlaces(files.folder), folder: files.folder, commonDir, spec };
}

/** Whether an instance has a git directory of its own. */
export function isBridged(services: Services, entry: InstanceEntry): boolean {
  return placesOfBridge(services, entry) !== undefined;
}

/** What a session's pump is told. */
export function bridgeOrder(services: Services, entry: InstanceEntry): BridgeOrder | undefined {
  const places = placesOfBridge(services, entry);
  return places === undefined
    ? undefined
    : {
        commonDir: places.commonDir,
        worktree: realPathOf(entry.worktree),
        home: places.spec.home,
      };
}

export async function bridgeSubject(
  services: Services,
  { entry, container }: Bridged,
): Promise<BridgeSubject | undefined> {
  const places = placesOfBridge(services, entry);
  if (places === undefined) return undefined;
  const { openSubject } = await import('../git-directory/bridge/instance.ts');
  return openSubject({
    id: entry.id,
    branch: entry.branch,
    commonDir: places.commonDir,
    worktree: realPathOf(entry.worktree),
    folder: places.folder,
    container,
    user: places.spec.user,
    home: places.spec.home,
    exec: services.exec,
    env: services.env,
  });
}

/**
 * Brings the refs of a running instance and of the host to agree, if anything has changed: one look at some files says so, and
 * nothing is loaded for it.
 * @throws HeadjackError not_running, git_failed
 */
export async function bridgeInstance(
  services: Services,
  at: Bridged,
  options: { readonly always?: boolean; readonly allowLinks?: boolean } = {},
): Promise<PassReport | undefined> {
  const places = placesOfBridge(services, at.entry);
  if (places === undefined) return undefined;
  const { directory, bridge: stateFile, commonDir } = places;
  const seen = { directory, branch: at.entry.branch, stateFile, commonDir };
  if (options.always !== true && !hasChanged(seen)) return undefined;
  const subject = await bridgeSubject(services, at);
  if (subject === undefined) return undefined;
  const { runPass } = await import('../git-directory/bridge/pass.ts');
  return runPass(subject, { ...options, randomHex: services.randomHex });
}

/**
 * The same for verbs whose own work does not depend on it: what keeps the two sides apart is said, and nothing fails.
 * @returns the problem, in words
 */
export async function bridgeOrSay(services: Services, at: Bridged): Promise<string | undefined> {
  try {
    // another one, a session's pump for instance, works for a moment only
    const report = await poll(
      async () => {
        const found = await bridgeInstance(services, at);
        return found?.busy === true ? undefined : (found ?? 'nothing');
      },
      { everyMs: 50, limitMs: 3000 },
    );
    return report === undefined || report === 'nothing'
      ? bridgeState(services, at.entry)?.problem?.text
      : report.state.problem?.text;
  } catch (error) {
    return `what was committed in the container is not here yet: ${messageOf(error)}`;
  }
}

/** The same for an instance that may not run: what is inside comes when it does. */
export async function bridgeIfRunning(services: Services, entry: InstanceEntry): Promise<string | undefined> {
  if (!isBridged(services, entry)) return undefined;
  const container = findContainer(await services.lister.list(), entry, services);
  return container?.state === 'running'
    ? bridgeOrSay(services, { entry, container: container.id })
    : undefined;
}

/** Before a container stops: the branch, then everything else that only its git directory has. Never fails. */
export async function mirrorBeforeStop(services: Services, at: Bridged): Promise<void> {
  const subject = await bridgeSubject(services, at);
  if (subject === undefined) return;
  try {
    await bridgeInstance(services, at);
    const { signatureMirror } = await import('../git-directory/bridge/changed.ts');
    const state = bridgeState(services, at.entry);
    const isCopied = state?.mirrored === signatureMirror(subject.directory, subject.branch);
    if (isCopied && state.unkept.length === 0) return; // what could not be copied may have been pushed since
    const { mirror } = await import('../git-directory/bridge/mirror.ts');
    const { readHostRefs } = await import('../git-directory/bridge/host-refs.ts');
    await mirror(subject, await readHostRefs(subject.git));
  } catch (error) {
    services.progress.note(`Warning: what only the container's git has was not copied: ${messageOf(error)}`);
  }
}

/** What the bridge knew of an instance last, without a look. */
export function bridgeState(services: Services, entry: InstanceEntry): BridgeState | undefined {
  const places = placesOfBridge(services, entry);
  return places === undefined ? undefined : loadState(places.bridge);
}

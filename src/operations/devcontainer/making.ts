import path from 'node:path';
import type { ContainerUser } from '../../container/user.ts';
import { findImageUser } from '../../container/user.ts';
import { composeFiles } from '../../devcontainer/branch-files.ts';
import { devcontainerId, type DevcontainerConfig } from '../../devcontainer/config.ts';
import { approvedVariables } from '../../devcontainer/host-variables.ts';
import { labelReach } from '../../devcontainer/labels.ts';
import { findReaches } from '../../devcontainer/reaches.ts';
import { plainPath, type Inside } from '../../devcontainer/run-options.ts';
import { isAtOrBelow } from '../../core/place.ts';
import { HeadjackError } from '../../errors.ts';
import { leadsInto, realPathOf } from '../../process/files.ts';
import { runCaptured } from '../../process/run.ts';
import { deriveImage } from '../derive-image.ts';
import type { DevcontainerSpec } from '../instance-spec.ts';
import { furnish, readUserFiles, type UserFiles } from '../furnish.ts';
import type { ContainerOrder, ContainerPlan } from '../make-container.ts';
import { commitClaimed, type Claim } from '../operation.ts';
import type { Services } from '../services.ts';
import { imageLabels } from './clean.ts';
import { isRootStrange, profileEntries } from './root-programs.ts';
import type { Devcontainer } from './find.ts';
import { strangerReach, type RemoteUser } from './remote-user.ts';
import { idLabels, resolvedConfig } from './resolved.ts';
import { trustStore, untrusted } from './trust.ts';

/** A container that was made for the devcontainer CLI, and runs. */
export interface MadeContainer {
  readonly id: string;
  readonly user: ContainerUser;
  readonly devcontainer: DevcontainerSpec;
}

export interface MakerOrder {
  readonly found: Devcontainer;
  readonly plan: ContainerPlan;
  readonly order: ContainerOrder;
  /** A private folder for as long as the CLI runs. */
  readonly scratch: string;
}

/** What making a container knows, whichever way it is made. */
export interface Making extends MakerOrder {
  readonly services: Services;
  readonly held: Claim;
  /** With its variables replaced. */
  readonly config: DevcontainerConfig;
  readonly inside: Inside;
  /** Variables of this machine that are approved: the only ones that what reads the branch's files gets. */
  readonly variables: readonly string[];
  /** @throws HeadjackError untrusted where something of it is neither in the approved files nor approved by itself */
  readonly requireApproved: (reaches: readonly string[]) => void;
  /** The engine's program, to its end. Gives its output. @throws HeadjackError engine_failed */
  readonly engine: (args: readonly string[]) => Promise<string>;
  /** What is to be recorded: all that is reached, as the files write it. */
  readonly recorded: (reaches: readonly string[]) => string[];
}

export function beginMaking(services: Services, held: Claim, at: MakerOrder): Making {
  const { entry } = held;
  const { found, plan } = at;
  const ownId = devcontainerId(idLabels(services, entry.id));
  const inside: Inside = { worktree: plan.worktree, devcontainerId: ownId };
  const config = resolvedConfig(services, found.config, { worktree: plan.worktree, instance: entry.id });
  const store = trustStore(services, at.order.repository);
  const said = findReaches(config, found.content, inside);
  const approved = store.find(found.content.digest)?.reaches ?? [];
  const asWritten = (line: string): string =>
    line.replaceAll(plan.worktree, '${localWorkspaceFolder}').replaceAll(ownId, '${devcontainerId}');
  const variables = approvedVariables(approved);
  // the CLI itself labels a container with them
  const ours = Object.entries(idLabels(services, entry.id)).flatMap(
    ([name, value]) => labelReach(`${name}=${value}`) ?? [],
  );
  const isOurs = (line: string): boolean => ours.some(own => line === own || line.endsWith(`: ${own}`));
  const isKnown = (line: string): boolean =>
    said.includes(line) || isOurs(line) || approvedVariables([line]).some(name => variables.includes(name));
  return {
    ...at,
    services,
    held,
    config,
    inside,
    variables,
    requireApproved(reaches) {
      const open = reaches.filter(line => !isKnown(line)).map(asWritten);
      const unknown = open.filter(line => !approved.includes(line));
      if (unknown.length === 0) return;
      store.noteSeen(found.content.digest, unknown);
      throw untrusted(entry.branch, found.content.file, unknown);
    },
    async engine(args) {
      const [program = '', ...words] = [...services.engineCommand(), ...args];
      const ran = await runCaptured(program, words, { env: services.env, cwd: plan.worktree });
      if (ran.code === 0) return ran.stdout.toString('utf8').trim();
      const said = ran.stderr.trim().split('\n').at(-1) ?? '';
      throw new HeadjackError(
        'engine_failed',
        `the engine refuses: ${said.replace(/^(Error: |docker: )+/, '').replace('Error response from daemon: ', '')}`,
      );
    },
    recorded: reaches => [...new Set([...said, ...reaches.filter(line => !isOurs(line))])].map(asWritten),
  };
}

/**
 * What is read on this machine has to be in the worktree in truth, too: a link in the way of a path could lead anywhere.
 * @param folder what relative paths start from
 * @throws HeadjackError untrusted
 */
export function requireInside(making: Making, places: readonly string[], folder: string): void {
  making.requireApproved(
    places.flatMap(place => {
      const full = path.resolve(folder, place);
      return leadsInto(full, [making.plan.worktree, making.scratch])
        ? []
        : [`${place}: leads out of the worktree, to ${realPathOf(full)}`];
    }),
  );
}

/** The image in which the programs' user has the caller's ids. */
export function usableImage(
  making: Making,
  image: { readonly id: string },
  user: RemoteUser,
): Promise<string> {
  if (user.kind !== 'named' || !user.derived) return Promise.resolve(image.id);
  const { services, held, plan, config } = making;
  // what compose builds has no label that it could inherit
  const labels = composeFiles(config).length === 0 ? {} : imageLabels(services, held.entry.id);
  return deriveImage(services, { id: image.id, user: user.name }, plan.ids, labels);
}

/** What who the programs are, and the container's first one, reaches. */
export async function userReaches(making: Making, user: RemoteUser): Promise<string[]> {
  if (!(await isRootStrange(making.services))) return [];
  const named = user.kind === 'named' && user.derived ? user.name : undefined;
  const programs = user.kind === 'root' ? strangerReach('root', making.plan.ids, undefined) : undefined;
  // one that keeps its own id is judged when that is known
  const first =
    user.kind === 'named' && user.container === user.name
      ? undefined
      : strangerReach(user.container, making.plan.ids, named);
  return [...new Set([programs, first].filter(line => line !== undefined))];
}

/** Puts into a container that never ran what every instance has, records it, and only then starts it. */
export async function furnishAndRecord(
  making: Making,
  id: string,
  how: {
    readonly user: RemoteUser;
    /** Where the container has volumes. */
    readonly volumes: readonly string[];
  },
): Promise<ContainerUser> {
  const { user, volumes } = how;
  const { services, held, plan, config } = making;
  const runtime = await services.runtime();
  const files = await readUserFiles(runtime, id);
  const declared = config['workspaceFolder'];
  const chosen = idsOf(making, user, files);
  const strange = await isRootStrange(services);
  if (strange && user.kind === 'named' && chosen.uid !== plan.ids.uid)
    making.requireApproved([strangerReach(user.name, plan.ids, undefined) ?? '']);
  const person = await furnish(runtime, id, {
    worktree: plan.worktree,
    chosen,
    files,
    more: [
      ...(strange && user.kind !== 'root' ? await profileEntries(runtime, id) : []),
      // a new volume is root's: the programs could not write there
      ...volumes.map(place => ({
        kind: 'folder' as const,
        path: place,
        mode: 0o755,
        uid: chosen.uid,
        gid: chosen.gid,
      })),
    ],
    imageUser: user.kind === 'named' ? user.name : '',
    links:
      typeof declared === 'string' && declared.startsWith('/') && findTaken(declared, plan) === undefined
        ? [plainPath(declared)]
        : [],
  });
  await commitClaimed(services, held, draft => {
    draft.container_id = id;
  });
  return person;
}

function idsOf(
  { plan, found }: Making,
  user: RemoteUser,
  files: UserFiles,
): { readonly uid: number; readonly gid: number } {
  if (user.kind === 'root') return { uid: 0, gid: 0 };
  if (user.kind === 'caller') return plan.ids;
  const known = findImageUser(user.name, files.passwd);
  if (known !== undefined) return known;
  throw new HeadjackError(
    'devcontainer_invalid',
    `${found.content.file}: the image has no user "${user.name}"`,
    { hint: 'name one that it has as remoteUser' },
  );
}

/** One of the places that are the instance's own, in one or above one. In the worktree, only what is git's counts. */
export function findTaken(place: string, plan: ContainerPlan): string | undefined {
  const wanted = plainPath(place);
  return plan.reserved.find(
    own => isAtOrBelow(own, wanted) || (own !== plan.worktree && isAtOrBelow(wanted, own)),
  );
}

export function placeTaken({ found }: Making, taken: string): HeadjackError {
  return new HeadjackError('devcontainer_invalid', `${found.content.file}: ${taken} is the instance's own`, {
    hint: 'mount it at another place in the container',
  });
}

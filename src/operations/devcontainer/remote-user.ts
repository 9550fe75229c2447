import { isRoot } from '../../container/user.ts';
import { isRecord, textOf } from '../../devcontainer/config.ts';
import { findLabelVariables } from '../../devcontainer/host-variables.ts';
import type { RunOption } from '../../devcontainer/run-options.ts';

/** One part of `devcontainer.metadata`: what a base image, a feature or the configuration itself says. */
export type Metadata = Readonly<Record<string, unknown>>;

const LABEL = 'devcontainer.metadata';

/** From the label that the CLI gives the container, else from the image's. */
export function parseMetadata(
  options: readonly RunOption[],
  imageLabels: Readonly<Record<string, string>>,
): Metadata[] {
  const given = options.findLast(
    ({ name, value }) => name === 'label' && value?.startsWith(`${LABEL}=`) === true,
  );
  const text = given?.value?.slice(LABEL.length + 1) ?? imageLabels[LABEL] ?? '[]';
  try {
    const parsed: unknown = JSON.parse(text);
    return (Array.isArray(parsed) ? (parsed as unknown[]) : [parsed]).filter(isRecord);
  } catch {
    return [];
  }
}

/** Variables of this machine that the metadata of a container or its image reads, in whichever label. */
export function metadataVariables(
  options: readonly RunOption[],
  imageLabels: Readonly<Record<string, string>>,
): string[] {
  const given = options.flatMap(({ name, value = '' }) =>
    name === 'label' && value.startsWith(`${LABEL}=`) ? [value.slice(LABEL.length + 1)] : [],
  );
  return [...new Set([imageLabels[LABEL] ?? '', ...given].flatMap(findLabelVariables))];
}

/** Who programs in a dev container are, and whom its own first program is. */
export type RemoteUser = (
  | { /** Whom the image does not know. */ readonly kind: 'caller' }
  | { /** By somebody's choice. */ readonly kind: 'root' }
  | {
      readonly kind: 'named';
      readonly name: string;
      /** It is given the caller's ids. */ readonly derived: boolean;
    }
) & { readonly container: string };

/**
 * `remoteUser`, else `containerUser`, else the image's user, as VS Code has it. Where that is root by nobody's choice, it is the
 * caller, as in every instance: what root makes in the worktree could not be removed.
 */
export function decideUser(
  metadata: readonly Metadata[],
  given: {
    readonly option: string | undefined;
    readonly image: string;
    readonly ids: Ids;
    /** Where nobody chose root, nothing is root: the first program neither. */
    readonly strict?: boolean;
  },
): RemoteUser {
  const last = (key: string): unknown => metadata.findLast(part => part[key] !== undefined)?.[key];
  const chosen = given.option ?? textOf(last('containerUser'));
  const remote = textOf(last('remoteUser'));
  const name = remote ?? chosen ?? given.image;
  const container = chosen ?? (isRoot(given.image) ? 'root' : given.image);
  if (!isRoot(name)) {
    const first = given.strict === true && chosen === undefined ? name : container;
    return { kind: 'named', name, derived: last('updateRemoteUserUID') !== false, container: first };
  }
  return remote === undefined && chosen === undefined
    ? { kind: 'caller', container: `${String(given.ids.uid)}:${String(given.ids.gid)}` }
    : { kind: 'root', container };
}

interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/**
 * What it reaches that a container's programs are `user`: files of somebody else's in the worktree could not be removed, and run with his
 * rights where they are setuid. Undefined for the caller.
 * @param named the name of the image's that is given the caller's ids
 */
export function strangerReach(user: string, ids: Ids, named: string | undefined): string | undefined {
  if (user === named) return undefined;
  const [name = '', group] = user.split(':');
  const uid = name === 'root' || name === '' ? 0 : numberOf(name);
  const own = uid === ids.uid && (group === undefined || numberOf(group) === ids.gid);
  if (own) return undefined;
  return uid === 0
    ? 'user root: what programs inside make belongs to root'
    : `user ${user}: what programs inside make belongs to somebody else`;
}

/** As the engine reads it: `00` is root, too. */
function numberOf(text: string): number | undefined {
  return /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * Whom a service that can write to the worktree is: whoever its file names, the image's own user with the caller's ids, else the caller.
 * @param service its `user`, if it has one
 */
export function decideServiceUser(service: string | undefined, image: string, ids: Ids): RemoteUser {
  const caller = `${String(ids.uid)}:${String(ids.gid)}`;
  const [name = ''] = (service ?? image).split(':');
  if (numberOf(name) === undefined && !isRoot(name))
    return { kind: 'named', name, derived: true, container: name };
  if (service === undefined) return { kind: 'caller', container: caller };
  return strangerReach(service, ids, undefined) === undefined
    ? { kind: 'caller', container: caller }
    : { kind: 'root', container: service };
}

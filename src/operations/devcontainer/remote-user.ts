import { isRoot } from '../../container/user.ts';
import { isRecord, textOf } from '../../devcontainer/config.ts';
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
    readonly ids: { readonly uid: number; readonly gid: number };
  },
): RemoteUser {
  const last = (key: string): unknown => metadata.findLast(part => part[key] !== undefined)?.[key];
  const chosen = given.option ?? textOf(last('containerUser'));
  const remote = textOf(last('remoteUser'));
  const name = remote ?? chosen ?? given.image;
  const container = chosen ?? (isRoot(given.image) ? 'root' : given.image);
  if (!isRoot(name))
    return { kind: 'named', name, derived: last('updateRemoteUserUID') !== false, container };
  return remote === undefined && chosen === undefined
    ? { kind: 'caller', container: `${String(given.ids.uid)}:${String(given.ids.gid)}` }
    : { kind: 'root', container };
}

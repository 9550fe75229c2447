import { replaceFile } from '../../process/files.ts';
import { readIfThere } from '../../process/regular-file.ts';

/** A move of the branch that was announced: whether it was made is told by its mark, which was made with it or not at all. */
export interface PendingMove {
  readonly side: 'host' | 'inside';
  readonly from: string;
  readonly to: string;
  /** 16 hex. */
  readonly mark: string;
}

export type BridgeProblem =
  /** Both sides moved, each its own way. */
  | 'both-moved'
  | 'gone-on-host'
  | 'gone-inside'
  /** A nested repository was committed as a link where there was none. */
  | 'gitlink'
  /** What came out cannot be taken: objects are bad or missing. */
  | 'refused'
  /** A git holds the index of that side. */
  | 'host-locked'
  | 'inside-locked'
  /** A merge, a rebase or the like is under way there. */
  | 'host-unfinished'
  | 'inside-unfinished'
  /** The branch is checked out in another worktree of the host. */
  | 'checked-out-elsewhere';

/** What the bridge of an instance knows, `bridge.json`. Commits are full hex. */
export interface BridgeState {
  readonly schema: 1;
  /** The name of the branch inside. */
  readonly branch: string;
  /** Where both sides were when they last agreed; null before they first did. */
  readonly carried: string | null;
  readonly pending: PendingMove | null;
  /** What was last seen inside: the branch's tip, and what HEAD is (a ref's name, a commit, or null where it is neither). */
  readonly inside: { readonly tip: string | null; readonly head: string | null } | null;
  readonly problem: { readonly kind: BridgeProblem; readonly text: string } | null;
  /** What the files of both sides looked like before they were last read. */
  readonly seen: { readonly inside: string; readonly host: string };
  /** What the container's git directory looked like before it was mirrored last. */
  readonly mirrored: string;
  /** What of it the host's git would not take, by its label. */
  readonly unkept: readonly string[];
  /** Folders of the host's refs that are looked at for changes. */
  readonly folders: readonly string[];
  /** Branches and tags made inside that arrived on the host. */
  readonly arrived: readonly string[];
}

export function freshState(branch: string): BridgeState {
  return {
    schema: 1,
    branch,
    carried: null,
    pending: null,
    inside: null,
    problem: null,
    seen: { inside: '', host: '' },
    mirrored: '',
    unkept: [],
    folders: [],
    arrived: [],
  };
}

/** What was written down, or undefined where nothing was, or nothing that can be read. */
export function loadState(file: string): BridgeState | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  try {
    const state = JSON.parse(text) as BridgeState;
    // written by us alone, in one step: what is not of this shape is another version's
    return (state as { schema: unknown }).schema === 1
      ? { ...freshState(state.branch), ...state }
      : undefined;
  } catch {
    return undefined;
  }
}

export function saveState(file: string, state: BridgeState): void {
  replaceFile(file, `${JSON.stringify(state)}\n`);
}

/** Refs of the host as they were last given to the container: name → object. Apart from the state, as there may be thousands. */
export type GivenRefs = ReadonlyMap<string, string>;

const givenFile = (file: string): string => file.replace(/\.json$/, '') + '.refs';

export function loadGiven(file: string): GivenRefs | undefined {
  const text = readIfThere(givenFile(file));
  if (text === undefined) return undefined;
  return new Map(
    text
      .split('\n')
      .filter(line => line !== '')
      .map((line): [string, string] => {
        const space = line.indexOf(' ');
        return [line.slice(space + 1), line.slice(0, space)];
      }),
  );
}

export function saveGiven(file: string, given: GivenRefs): void {
  replaceFile(givenFile(file), [...given].map(([name, object]) => `${object} ${name}\n`).join(''));
}

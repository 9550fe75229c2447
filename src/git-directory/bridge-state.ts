import { signatureMirror } from './bridge/changed.ts';
import { freshState, saveGiven, saveState } from './bridge/state.ts';
import type { GivenRef } from './refs.ts';

/** Writes what the bridge starts from: both sides alike, as the git directory was just made. */
export function writeFirstBridgeState(
  file: string,
  of: {
    readonly branch: string;
    readonly refs: readonly GivenRef[];
    /** Where the git directory is as yet: a rename changes nothing that is looked at. */
    readonly directory: string;
  },
): void {
  const own = `refs/heads/${of.branch}`;
  const carried = of.refs.find(ref => ref.name === own)?.oid ?? null;
  const given = of.refs.filter(ref => ref.target === '' && /^refs\/(?:heads|tags|remotes)\//.test(ref.name));
  saveGiven(file, new Map(given.map(ref => [ref.name, ref.oid])));
  saveState(file, {
    ...freshState(of.branch),
    carried,
    mirrored: signatureMirror(of.directory, of.branch),
  });
}

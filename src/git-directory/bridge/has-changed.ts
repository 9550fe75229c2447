import { signatureHost, signatureInside } from './changed.ts';
import { loadState } from './state.ts';
import type { BridgeSubject } from './subject.ts';

/** Whether a pass would find anything, by lstat alone. */
export function hasChanged(
  subject: Pick<BridgeSubject, 'directory' | 'branch' | 'stateFile'> & { readonly commonDir: string },
): boolean {
  const state = loadState(subject.stateFile);
  if (state === undefined || state.pending !== null || state.branch !== subject.branch) return true;
  return (
    state.seen.inside !== signatureInside(subject.directory, state.branch) ||
    state.seen.host !== signatureHost(subject.commonDir, state.branch, state.folders)
  );
}

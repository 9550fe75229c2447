import fs from 'node:fs';
import path from 'node:path';
import { splitNul, type Plumbing } from '../git/plumbing.ts';

/** A ref of the host as the container's git directory gets it. */
export interface GivenRef {
  readonly name: string;
  readonly oid: string;
  /** What a symbolic one names, '' for others. */
  readonly target: string;
  /** What an annotated tag stands for, '' for others. */
  readonly peeled: string;
}

/** Of hjk's own, and of other worktrees: stashes are shared by all of them. */
const KEPT_BACK = /^refs\/(?:headjack\/|stash$|bisect\/|worktree\/|rewritten\/)/;

const field = (name: string): string => `%(${name})%00`;
const FORMAT = ['refname', 'objectname', 'symref', '*objectname', '*objecttype'].map(field).join('');
/** Reads no object: tags of a partial clone may be missing. */
const BARE_FORMAT = ['refname', 'objectname', 'symref'].map(field).join('') + '%00%00';

/** All refs that the container is to have, sorted as packed-refs is. A char a byte: names need not be UTF-8. */
export async function listGivenRefs(
  git: Plumbing,
): Promise<{ readonly refs: readonly GivenRef[]; readonly peeled: boolean }> {
  const full = await git.try(['for-each-ref', `--format=${FORMAT}`]);
  const peeled = full.code === 0;
  const text = peeled
    ? full.stdout.toString('latin1')
    : await git.text(['for-each-ref', `--format=${BARE_FORMAT}`]);
  const fields = splitNul(text.replaceAll('\0\n', '\0'));
  const refs: GivenRef[] = [];
  for (let i = 0; i + 2 < fields.length; i += 5) {
    const [name = '', oid = '', target = '', once = '', kind = ''] = fields.slice(i, i + 5);
    if (KEPT_BACK.test(name)) continue;
    refs.push({ name, oid, target, peeled: kind === 'tag' ? await peel(git, oid) : once });
  }
  return { refs, peeled };
}

/** A tag of a tag. */
async function peel(git: Plumbing, oid: string): Promise<string> {
  return (await git.text(['rev-parse', '--verify', `${oid}^{}`])).trim();
}

/** The host's branches once more, as those of a remote: what is done to a branch inside does not hide where it is on the host. */
function asRemote(refs: readonly GivenRef[]): GivenRef[] {
  // the user's own remote of that name keeps it
  if (refs.some(ref => ref.name.startsWith('refs/remotes/host/'))) return [];
  return refs
    .filter(ref => ref.target === '' && ref.name.startsWith('refs/heads/'))
    .map(ref => ({ ...ref, name: ref.name.replace('refs/heads/', 'refs/remotes/host/') }));
}

/** Writes refs into a new git directory: one packed file, symbolic ones as files of their own. */
export function writeRefs(
  directory: string,
  given: { readonly refs: readonly GivenRef[]; readonly peeled: boolean },
): void {
  const lines = [...given.refs, ...asRemote(given.refs)]
    .filter(ref => ref.target === '')
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(ref => `${ref.oid} ${ref.name}\n${ref.peeled === '' ? '' : `^${ref.peeled}\n`}`);
  const traits = given.peeled ? 'peeled fully-peeled sorted' : 'sorted';
  fs.writeFileSync(path.join(directory, 'packed-refs'), `# pack-refs with: ${traits} \n${lines.join('')}`, {
    encoding: 'latin1',
    mode: 0o600,
  });
  for (const { name, target } of given.refs) {
    if (target === '') continue;
    const file = path.join(directory, Buffer.from(name, 'latin1').toString('utf8'));
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.writeFileSync(file, `ref: ${target}\n`, { encoding: 'latin1', mode: 0o600 });
  }
}

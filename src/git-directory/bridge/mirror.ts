import { fetchObjects, NewLinks } from './arrive.ts';
import { signatureMirror } from './changed.ts';
import type { HostGit } from './host-git.ts';
import { askInside, HostileAnswer, Lines } from './inside.ts';
import { Refused } from './receive.ts';
import { freshState, loadState, saveState } from './state.ts';
import type { BridgeSubject } from './subject.ts';

/** Something that only the container's git directory has, now kept by the host. */
export interface MirroredTip {
  /** For people and for the ref's name: `stash/0`, `heads/spike`. */
  readonly label: string;
  readonly object: string;
}

const MOST = 20_000;
const LABEL =
  /^(?:heads\/[\u0021-\u00ff]{1,200}|head|stash\/\d{1,3}|progress\/[A-Za-z_-]+(?:\/[a-z-]+)?-\d{1,2}|index)$/;

/**
 * Copies what the container's git directory holds beside its branch into the host's repository, under
 * `refs/headjack/instances/<id>/@/…`: other branches, stashes, HEAD, what is in progress, commits that reflogs alone hold, the index.
 * What the host has anyway is left out, and what went inside goes here too.
 * @param given refs of the host as the container has them: a branch that is there alike is no news
 */
export async function mirror(
  subject: BridgeSubject,
  given: ReadonlyMap<string, string>,
): Promise<readonly MirroredTip[]> {
  const mirrored = signatureMirror(subject.directory, subject.branch);
  const { found, modules, lied } = await listHonest(subject);
  const own = new Set(await unreachableTips(subject, [...given.values()], found));
  const wanted = found.filter(tip => own.has(tip.object));
  const whole = await bring(subject, wanted);
  await writeRefs(subject, whole);
  const kept = new Set(whole.map(tip => tip.label));
  const unkept = wanted.map(tip => tip.label).filter(label => !kept.has(label));
  const state = loadState(subject.stateFile) ?? freshState(subject.branch);
  saveState(subject.stateFile, {
    ...state,
    mirrored,
    unkept: [...(lied ? ['what it holds'] : []), ...modules, ...unkept].slice(0, 20),
  });
  return whole;
}

interface InsideTips {
  readonly found: readonly MirroredTip[];
  /** `module/<name>`: submodules with commits that none of their remotes has. */
  readonly modules: readonly string[];
}

async function listHonest(subject: BridgeSubject): Promise<InsideTips & { readonly lied: boolean }> {
  try {
    return { ...(await listTips(subject)), lied: false };
  } catch (error) {
    if (error instanceof HostileAnswer) return { found: [], modules: [], lied: true };
    throw error;
  }
}

async function listTips(subject: BridgeSubject): Promise<InsideTips> {
  const { inside } = subject;
  const answer = new Lines(await askInside(inside, ['tips', inside.directory, subject.branch]));
  const tips: MirroredTip[] = [];
  const modules: string[] = [];
  const lost = new Map<string, readonly string[]>();
  const object = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
  try {
    for (;;) {
      const line = await answer.next(8192);
      if (line === '.') break;
      const [label = '', name = '', ...parents] = line.split(' ');
      if (label === 'module' && modules.length < MOST) {
        modules.push(`module/${line.slice('module '.length).slice(0, 200)}`);
        continue;
      }
      if (!object.test(name) || tips.length + lost.size > MOST)
        throw new HostileAnswer('the git inside lists tips that are none');
      if (label === 'reflog') lost.set(name, parents);
      else if (LABEL.test(label)) tips.push({ label, object: name });
    }
  } finally {
    await answer.close();
  }
  const inner = new Set([...lost.values()].flat());
  const ends = [...lost.keys()].filter(name => !inner.has(name));
  const reflogs = ends.map((name, i) => ({ label: `reflog/${String(i)}`, object: name }));
  return { found: [...tips, ...reflogs], modules };
}

/** Those that the host cannot reach: they are not there, or no ref but ours leads to them. */
async function unreachableTips(
  { git }: BridgeSubject,
  given: readonly string[],
  tips: readonly MirroredTip[],
): Promise<string[]> {
  const known = new Set(given);
  const objects = [...new Set(tips.map(tip => tip.object))].filter(object => !known.has(object));
  if (objects.length === 0) return [];
  const types = await git.text(['cat-file', '--batch-check=%(objectname) %(objecttype)'], {
    input: objects.map(object => `${object}\n`).join(''),
  });
  const missing: string[] = [];
  const commits: string[] = [];
  for (const line of types.split('\n')) {
    const [object = '', type = ''] = line.split(' ');
    if (type === 'missing' || type === 'tree') missing.push(object);
    else if (type === 'commit') commits.push(object);
  }
  if (commits.length === 0) return missing;
  return [...missing, ...(await findUnreachable(git, commits))];
}

/** Those of the commits that no ref of the host leads to, but what is kept for instances. */
async function findUnreachable(git: HostGit, commits: readonly string[]): Promise<string[]> {
  const kept = ['instances', 'keep', 'moved'].map(kind => `--exclude=refs/headjack/${kind}/*`);
  const ran = await git.try(['rev-list', '--stdin', '--no-walk=unsorted', '--not', ...kept, '--all'], {
    input: commits.map(object => `${object}\n`).join(''),
  });
  return ran.code === 0 ? ran.stdout.toString('latin1').split('\n').filter(Boolean) : [...commits];
}

/** Together, or where something in it cannot be taken, each by itself: one bad stash does not cost the others. */
async function bring(subject: BridgeSubject, tips: readonly MirroredTip[]): Promise<MirroredTip[]> {
  const options = { carried: null, allowLinks: true };
  if (tips.length === 0) return [];
  try {
    await fetchObjects(subject, [...new Set(tips.map(tip => tip.object))], options);
    return [...tips];
  } catch (error) {
    if (!(error instanceof Refused || error instanceof HostileAnswer || error instanceof NewLinks))
      throw error;
    if (tips.length === 1) return [];
    const half = Math.ceil(tips.length / 2);
    return [...(await bring(subject, tips.slice(0, half))), ...(await bring(subject, tips.slice(half)))];
  }
}

/** The refs are those of the tips, and no others. */
async function writeRefs({ git, instanceId }: BridgeSubject, tips: readonly MirroredTip[]): Promise<void> {
  const folder = `refs/headjack/instances/${instanceId}/@`;
  const listed = await git.text(['for-each-ref', '--format=%(refname) %(objectname)', `${folder}/`]);
  const before = new Map(
    listed
      .split('\n')
      .filter(line => line !== '')
      .map((line): [string, string] => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
  );
  const after = new Map(tips.map(tip => [`${folder}/${tip.label}`, tip.object]));
  const gone = [...before.keys()].filter(name => !after.has(name)).map(name => `delete ${name}\n`);
  const lines = [...after].filter(([name, object]) => before.get(name) !== object);
  if (gone.length > 0) await git.try(['update-ref', '--stdin'], { input: gone.join('') });
  if (lines.length === 0) return;
  const all = await git.try(['update-ref', '--stdin'], {
    input: lines.map(([name, object]) => `update ${name} ${object}\n`).join(''),
  });
  if (all.code === 0) return;
  // a name that git does not take, or two that cannot be side by side
  for (const [i, [, object]] of lines.entries())
    await git.try(['update-ref', `${folder}/other/${String(i)}`, object]);
}

/** What the host keeps of an instance and has nowhere else, by its label. */
export async function findKeptWork(git: HostGit, instanceId: string): Promise<readonly MirroredTip[]> {
  const folder = `refs/headjack/instances/${instanceId}`;
  const listed = await git.text([
    'for-each-ref',
    '--format=%(refname) %(objectname) %(objecttype)',
    `${folder}/`,
  ]);
  const tips: MirroredTip[] = [];
  const commits: string[] = [];
  for (const line of listed.split('\n')) {
    const [name = '', object = '', type = ''] = line.split(' ');
    // the index: what of it is not in files either is judged with them
    if (type !== 'commit') continue;
    commits.push(object);
    tips.push({ label: name.slice(folder.length + 1).replace(/^@\//, ''), object });
  }
  if (commits.length === 0) return [];
  const work = new Set(await findUnreachable(git, commits));
  const seen = new Set<string>();
  return tips.filter(({ object }) => work.has(object) && !seen.has(object) && seen.add(object));
}

/** Everything that the host keeps for an instance. */
export async function dropKept(git: HostGit, instanceId: string): Promise<void> {
  const folders = ['instances', 'keep', 'moved'].map(kind => `refs/headjack/${kind}/${instanceId}/`);
  const names = await git.text(['for-each-ref', '--format=delete %(refname)', ...folders]);
  if (names !== '') await git.text(['update-ref', '--stdin'], { input: names });
}

import fs from 'node:fs';
import path from 'node:path';
import { makeScratch } from '../process/scratch.ts';
import { splitNul, type Plumbing } from './plumbing.ts';

/** How a working tree differs from its index and HEAD. Paths are latin1 text, relative to the tree. */
export interface TreeChanges {
  /** Index against HEAD. */
  readonly staged: readonly string[];
  /** Working tree against index: changed, deleted, of another type. */
  readonly unstaged: readonly string[];
  /** Files that git neither tracks nor ignores, also those that it does not see. */
  readonly untracked: readonly string[];
  readonly conflicted: readonly string[];
  readonly intentToAdd: readonly string[];
  /** What a sparse checkout left out: tracked, and not there. */
  readonly leftOut: readonly string[];
  /** Files that are there behind a skip-worktree bit. */
  readonly hidden: readonly string[];
  /** Files with the assume-unchanged bit. */
  readonly assumed: readonly string[];
  /** Files that git ignores, and by which of its places. */
  readonly ignored: ReadonlyMap<string, string>;
  /** Files and folders (with a slash at the end) that a pattern ignores. */
  readonly ignoredPlaces: ReadonlySet<string>;
  /** Submodule links in the index: path → commit. */
  readonly links: ReadonlyMap<string, string>;
  /** The index as `ls-files -s` shows it. */
  readonly index: readonly IndexEntry[];
}

export interface IndexEntry {
  readonly mode: string;
  readonly object: string;
  readonly stage: string;
  readonly path: string;
}

/** Of a worktree whose folder is gone. */
export const noChanges: TreeChanges = {
  staged: [],
  unstaged: [],
  untracked: [],
  conflicted: [],
  intentToAdd: [],
  leftOut: [],
  hidden: [],
  assumed: [],
  ignored: new Map(),
  ignoredPlaces: new Set(),
  links: new Map(),
  index: [],
};

/** Whether the tree holds anything that HEAD does not. */
export function hasChanges(changes: TreeChanges): boolean {
  return (
    changes.staged.length + changes.unstaged.length + changes.untracked.length + changes.conflicted.length > 0
  );
}

/** Settings under which git looks at contents, not at what the index or the configuration claims about them. */
export const honest: readonly string[] = [
  'core.ignoreStat=false',
  'core.sparseCheckout=false',
  'index.sparse=false',
  'core.splitIndex=false',
  'status.showUntrackedFiles=all',
  // names are bytes: `README` and `readme` are two files wherever a folder can hold both
  'core.ignoreCase=false',
  'core.precomposeUnicode=false',
  // names that git would not take from others are names of files all the same
  'core.protectHFS=false',
  'core.protectNTFS=false',
].flatMap(s => ['-c', s]);

/** Runs `action` with the path of an index file of its own, in a private folder that is removed afterwards. */
export async function withPrivateIndex<T>(action: (index: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
  const folder = makeScratch();
  try {
    return await action({ GIT_INDEX_FILE: path.join(folder, 'index') });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The index with its bits: `<tag> <mode> <object> <stage> TAB <path>`; S is skip-worktree, a small letter assume-unchanged. */
async function loadIndex(
  git: Plumbing,
): Promise<{ entries: IndexEntry[]; skipped: string[]; assumed: string[] }> {
  const skipped: string[] = [];
  const assumed: string[] = [];
  const entries = splitNul(await git.text([...honest, 'ls-files', '-s', '-v', '-z'])).map(line => {
    const tab = line.indexOf('\t');
    const [tag = '', mode = '', object = '', stage = ''] = line.slice(0, tab).split(' ');
    const entry = { mode, object, stage, path: line.slice(tab + 1) };
    if (tag.toUpperCase() === 'S') skipped.push(entry.path);
    if (/[a-z]/.test(tag)) assumed.push(entry.path);
    return entry;
  });
  return { entries, skipped, assumed };
}

/** Fills a private index with entries that carry no file times, flags or caches: every file has to be read to be judged. */
export async function fillIndex(
  git: Plumbing,
  env: NodeJS.ProcessEnv,
  entries: readonly IndexEntry[],
): Promise<void> {
  if (entries.length === 0) {
    await git.text(['read-tree', '--empty'], { env });
    return;
  }
  const input = entries.map(e => `${e.mode} ${e.object} ${e.stage}\t${e.path}\0`).join('');
  await git.text([...honest, 'update-index', '-z', '--index-info'], { env, input });
}

/**
 * Compares contents, whatever bits in the index or settings of the repository say. Writes nothing but a private index.
 * @param files every file of the tree, relative to it: git itself passes over some
 */
export async function findChanges(git: Plumbing, files: readonly string[]): Promise<TreeChanges> {
  const { entries, skipped, assumed } = await loadIndex(git);
  const conflicted = [...new Set(entries.filter(e => e.stage !== '0').map(e => e.path))];
  return withPrivateIndex(async env => {
    await fillIndex(git, env, entries);
    // what a sparse checkout left out is no deletion
    const present = new Set(files);
    const leftOut = skipped.filter(file => !present.has(file));
    if (leftOut.length > 0) {
      await git.text([...honest, 'update-index', '--skip-worktree', '-z', '--stdin'], {
        env,
        input: leftOut.map(f => `${f}\0`).join(''),
      });
    }
    const args = [
      'status',
      '--porcelain=v2',
      '-z',
      '--untracked-files=all',
      '--ignored=matching',
      '--no-renames',
      '--ignore-submodules=dirty',
    ];
    const found = parseStatus(await git.text([...honest, ...args], { env }));
    const tracked = new Set(entries.map(e => e.path));
    const ignored = new Map<string, string>();
    const untracked: string[] = [];
    for (const file of files) {
      if (tracked.has(file)) continue;
      const rule = findRule(found.ignored, file);
      if (rule === undefined) untracked.push(file);
      else ignored.set(file, rule);
    }
    return {
      staged: found.staged,
      unstaged: found.unstaged,
      untracked,
      conflicted,
      leftOut,
      hidden: skipped.filter(file => !leftOut.includes(file)),
      assumed,
      ignored,
      ignoredPlaces: found.ignored,
      intentToAdd: await findIntended(git, entries),
      links: new Map(entries.filter(e => e.mode === '160000').map(e => [e.path, e.object])),
      index: entries,
    };
  });
}

/** The ignored place that the file is, or that it is in. */
function findRule(places: ReadonlySet<string>, file: string): string | undefined {
  if (places.size === 0) return undefined;
  for (let end = file.indexOf('/'); end !== -1; end = file.indexOf('/', end + 1)) {
    const folder = file.slice(0, end + 1);
    if (places.has(folder)) return folder;
  }
  return places.has(file) ? file : undefined;
}

/** Whether a path, a folder with a slash at its end, is in what git ignores. */
export function isIgnored(changes: TreeChanges, place: string): boolean {
  return findRule(changes.ignoredPlaces, place) !== undefined;
}

/** Records of porcelain v2: `1 <XY> <sub> <modes and objects> <path>`, `u …`, `? <path>`, `! <path>`. */
function parseStatus(output: string): {
  readonly staged: string[];
  readonly unstaged: string[];
  readonly ignored: Set<string>;
} {
  const staged: string[] = [];
  const unstaged: string[] = [];
  const ignored = new Set<string>();
  for (const record of splitNul(output)) {
    if (record.startsWith('! ')) ignored.add(record.slice(2));
    if (!record.startsWith('1 ')) continue; // conflicts are known from the index
    const fields = record.split(' ');
    const file = fields.slice(8).join(' ');
    if (fields[1]?.[0] !== '.') staged.push(file);
    if (fields[1]?.[1] !== '.') unstaged.push(file);
  }
  return { staged, unstaged, ignored };
}

/** Entries that `git add -N` made have the empty blob; only where there is one, git is asked which they are. */
async function findIntended(git: Plumbing, entries: readonly IndexEntry[]): Promise<string[]> {
  if (!entries.some(entry => /^(e69de29bb2d1|473a0f4c3be8)/.test(entry.object))) return [];
  const args = [
    'diff-files',
    '--diff-filter=A',
    '--name-only',
    '--no-renames',
    '--ignore-submodules=all',
    '-z',
    '--',
  ];
  return splitNul(await git.text([...honest, ...args]));
}

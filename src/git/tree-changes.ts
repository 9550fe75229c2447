import fs from 'node:fs';
import path from 'node:path';
import { ignoring } from '../errors.ts';
import { makeScratch } from '../process/scratch.ts';
import { splitNul, type Plumbing } from './plumbing.ts';

/** How a working tree differs from its index and HEAD. Paths are latin1 text, relative to the tree. */
export interface TreeChanges {
  /** Index against HEAD. */
  readonly staged: readonly string[];
  /** Working tree against index: changed, deleted, of another type. */
  readonly unstaged: readonly string[];
  /** Files that git neither tracks nor ignores. */
  readonly untracked: readonly string[];
  readonly conflicted: readonly string[];
  readonly intentToAdd: readonly string[];
  /** What a sparse checkout left out: tracked, and not there. */
  readonly leftOut: readonly string[];
  /** Files that git ignores; empty where they were not asked for. */
  readonly ignored: readonly string[];
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

/** Settings under which git looks at contents, not at what the index or the configuration claims about them. */
const honest = [
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

/** The index with its skip-worktree bits: `<tag> <mode> <object> <stage> TAB <path>`. */
async function loadIndex(git: Plumbing): Promise<{ entries: IndexEntry[]; skipped: string[] }> {
  const skipped: string[] = [];
  const entries = splitNul(await git.text([...honest, 'ls-files', '-s', '-t', '-z'])).map(line => {
    const tab = line.indexOf('\t');
    const [tag, mode = '', object = '', stage = ''] = line.slice(0, tab).split(' ');
    const entry = { mode, object, stage, path: line.slice(tab + 1) };
    if (tag === 'S') skipped.push(entry.path);
    return entry;
  });
  return { entries, skipped };
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

/** A latin1 path below `root`, as the bytes that it stands for. */
export function bytePath(root: string, relative: string): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), Buffer.from(relative, 'latin1')]);
}

/** `lstat` of a latin1 path below `root`; undefined where there is nothing. */
export function lstatIn(root: string, relative: string): fs.Stats | undefined {
  const file = bytePath(root, relative);
  // a file may stand where one of its folders was
  return ignoring(['ENOTDIR'], () => fs.lstatSync(file, { throwIfNoEntry: false }), undefined);
}

/** Compares contents, whatever bits in the index or settings of the repository say. Writes nothing but a private index. */
export async function findChanges(
  git: Plumbing,
  workTree: string,
  options: { readonly ignored: boolean } = { ignored: false },
): Promise<TreeChanges> {
  const { entries, skipped } = await loadIndex(git);
  const conflicted = [...new Set(entries.filter(e => e.stage !== '0').map(e => e.path))];
  return withPrivateIndex(async env => {
    await fillIndex(git, env, entries);
    // what a sparse checkout left out is no deletion
    const leftOut = skipped.filter(file => lstatIn(workTree, file) === undefined);
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
      '--no-renames',
      '--ignore-submodules=dirty',
    ];
    const found = parseStatus(await git.text([...honest, ...args], { env }));
    return {
      ...found,
      conflicted,
      leftOut,
      ignored: options.ignored ? await listIgnored(git) : [],
      intentToAdd: await findIntended(git, entries),
      links: new Map(entries.filter(e => e.mode === '160000').map(e => [e.path, e.object])),
      index: entries,
    };
  });
}

/** Records of porcelain v2: `1 <XY> <sub> <modes and objects> <path>`, `u …`, `? <path>`. */
function parseStatus(output: string): Pick<TreeChanges, 'staged' | 'unstaged' | 'untracked'> {
  const staged: string[] = [];
  const unstaged: string[] = [];
  const untracked: string[] = [];
  for (const record of splitNul(output)) {
    if (record.startsWith('? ')) {
      if (!record.endsWith('/')) untracked.push(record.slice(2));
      continue;
    }
    const fields = record.split(' ');
    const file = fields.slice(record.startsWith('u ') ? 10 : 8).join(' ');
    if (!record.startsWith('1 ')) continue; // conflicts are known from the index
    if (fields[1]?.[0] !== '.') staged.push(file);
    if (fields[1]?.[1] !== '.') unstaged.push(file);
  }
  return { staged, unstaged, untracked };
}

async function listIgnored(git: Plumbing): Promise<string[]> {
  const args = ['ls-files', '--others', '--ignored', '--exclude-standard', '-z'];
  return splitNul(await git.text([...honest, ...args])).filter(file => !file.endsWith('/'));
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

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
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
].flatMap(s => ['-c', s]);

/** Runs `action` with the path of an index file of its own, in a private folder that is removed afterwards. */
export async function withPrivateIndex<T>(action: (index: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hjk-index-'));
  try {
    return await action({ GIT_INDEX_FILE: path.join(folder, 'index') });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function loadIndex(git: Plumbing): Promise<IndexEntry[]> {
  return splitNul(await git.text([...honest, 'ls-files', '-s', '-z'])).map(line => {
    const tab = line.indexOf('\t');
    const [mode = '', object = '', stage = ''] = line.slice(0, tab).split(' ');
    return { mode, object, stage, path: line.slice(tab + 1) };
  });
}

/** Fills a private index with entries that carry no file times, flags or caches: every file has to be read to be judged. */
export async function fillIndex(
  git: Plumbing,
  env: NodeJS.ProcessEnv,
  entries: readonly IndexEntry[],
): Promise<void> {
  await git.text(['read-tree', '--empty'], { env });
  if (entries.length === 0) return;
  const input = entries.map(e => `${e.mode} ${e.object} ${e.stage}\t${e.path}\0`).join('');
  await git.text(['update-index', '-z', '--index-info'], { env, input });
}

/** `lstat` of a latin1 path below `root`; undefined where there is nothing. */
export function lstatIn(root: string, relative: string): fs.Stats | undefined {
  return fs.lstatSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from(relative, 'latin1')]), {
    throwIfNoEntry: false,
  });
}

/** Compares contents, whatever bits in the index or settings of the repository say. Writes nothing but a private index. */
export async function findChanges(git: Plumbing, workTree: string): Promise<TreeChanges> {
  const index = await loadIndex(git);
  const head = (await git.try(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'])).stdout
    .toString('latin1')
    .trim();
  const base = head === '' ? (await git.text(['hash-object', '-t', 'tree', '--stdin'])).trim() : head;
  return withPrivateIndex(async env => {
    await fillIndex(git, env, index);
    // what a sparse checkout left out is no deletion
    const skipped = splitNul(await git.text(['ls-files', '-t', '-z']))
      .filter(line => line.startsWith('S '))
      .map(line => line.slice(2))
      .filter(file => lstatIn(workTree, file) === undefined);
    if (skipped.length > 0) {
      await git.text(['update-index', '--skip-worktree', '-z', '--stdin'], {
        env,
        input: skipped.map(f => `${f}\0`).join(''),
      });
    }
    await git.try([...honest, 'update-index', '-q', '--refresh', '--ignore-submodules'], { env });
    const names = async (args: readonly string[]): Promise<string[]> =>
      splitNul(await git.text([...honest, ...args], { env }));
    const cached = await names([
      'diff-index',
      '--cached',
      '--name-only',
      '--no-renames',
      '--ignore-submodules=dirty',
      '-z',
      base,
      '--',
    ]);
    const unstaged = await names([
      'diff-files',
      '--name-only',
      '--no-renames',
      '--ignore-submodules=all',
      '-z',
      '--',
    ]);
    const others = await names(['ls-files', '--others', '--exclude-standard', '-z']);
    const intended = splitNul(
      await git.text([
        ...honest,
        'diff-files',
        '--diff-filter=A',
        '--name-only',
        '--no-renames',
        '--ignore-submodules=all',
        '-z',
        '--',
      ]),
    );
    return {
      staged: cached,
      unstaged: [...new Set(unstaged)],
      untracked: others.filter(file => !file.endsWith('/')),
      conflicted: [...new Set(index.filter(e => e.stage !== '0').map(e => e.path))],
      intentToAdd: intended,
      links: new Map(index.filter(e => e.mode === '160000').map(e => [e.path, e.object])),
      index,
    };
  });
}

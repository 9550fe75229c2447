import { bytePath, lstatBytes } from './byte-path.ts';
import { splitNul, type Plumbing } from './plumbing.ts';
import type { TreeChanges } from './tree-changes.ts';

export interface Conversions {
  /** Files whose bytes are not those of the index's object: line endings, `$Id$` or an encoding count as equal. */
  readonly converted: readonly string[];
  /** Files that a filter makes (Git LFS), which makes them again. */
  readonly filtered: readonly string[];
}

/** Of the files that are as the index says: which have other bytes than its objects, and who gives them back. */
export async function findConversions(git: Plumbing, at: string, changes: TreeChanges): Promise<Conversions> {
  const changed = new Set([...changes.unstaged, ...changes.leftOut, ...changes.intentToAdd]);
  const clean = changes.index.filter(
    e => e.stage === '0' && e.mode.startsWith('100') && !changed.has(e.path),
  );
  if (clean.length === 0) return { converted: [], filtered: [] };
  const input = clean.map(({ object }) => `${object}\n`).join('');
  const sizes = (await git.text(['cat-file', '--buffer', '--batch-check=%(objectsize)'], { input })).split(
    '\n',
  );
  const filtered = await findFiltered(
    git,
    clean.map(entry => entry.path),
  );
  const converted = clean
    .filter(({ path }, i) => {
      const stat = filtered.has(path) ? undefined : lstatBytes(bytePath(at, path));
      return stat?.isFile() === true && String(stat.size) !== sizes[i];
    })
    .map(entry => entry.path);
  return { converted, filtered: [...filtered] };
}

async function findFiltered(git: Plumbing, files: readonly string[]): Promise<Set<string>> {
  const input = files.map(file => `${file}\0`).join('');
  const attributes = splitNul(await git.text(['check-attr', '-z', '--stdin', 'filter'], { input }));
  const filtered = new Set<string>();
  for (let i = 0; i + 2 < attributes.length; i += 3)
    if (attributes[i + 2] !== 'unspecified' && attributes[i + 2] !== 'unset')
      filtered.add(attributes[i] ?? '');
  return filtered;
}

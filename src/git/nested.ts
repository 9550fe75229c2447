import fs from 'node:fs';
import path from 'node:path';
import { isAtOrBelow } from '../core/place.ts';
import { printable } from '../core/printable.ts';
import { HeadjackError } from '../errors.ts';
import { realPathOf } from '../process/files.ts';
import { readUntrusted } from '../process/regular-file.ts';
import { bytePath, isText, lstatBytes, pathText } from './byte-path.ts';
import { linkedWorktrees, listModules, namedGitDir } from './git-dir.ts';
import { readGitFile } from './git-file.ts';
import { chooseIgnored, type IgnoredPlace } from './ignored.ts';
import { judgeRepository, type InnerRepository, type JudgedRepository } from './nested-repository.ts';
import { findStrangeRepository, type StrangeFile } from './strange-files.ts';
import { isIgnored, type TreeChanges } from './tree-changes.ts';
import { listFolder, type WalkedTree } from './walk.ts';

/** A repository inside that is stored whole. Paths are latin1 text, relative to the worktree. */
export interface NestedRepository extends JudgedRepository {
  readonly path: string;
  /** Where its git directory is: `.git/modules/…` is in the worktree's own metadata. Undefined where it is elsewhere, and stays. */
  readonly gitPath: string | undefined;
  /** Files that are stored, besides those of the git directory. */
  readonly files: readonly string[];
  /** Whether it has a folder with files. */
  readonly hasFolder: boolean;
}

export interface NestedRepositories {
  /** Those that hold work, and what belongs to them. */
  readonly work: readonly NestedRepository[];
  /** Clones whose work is elsewhere too: stored where anything is. */
  readonly clean: readonly NestedRepository[];
  readonly reasons: readonly string[];
  readonly ignoredNotStored: readonly IgnoredPlace[];
}

export interface OuterWorktree {
  /** Where it is at the moment. */
  readonly at: string;
  /** Where it is by its name. */
  readonly worktree: string;
  readonly metadata: string | undefined;
  readonly changes: TreeChanges;
  readonly tree: WalkedTree;
  readonly includeIgnored: boolean;
}

interface Found extends NestedRepository {
  readonly absolute: string;
  readonly ignoredNotStored: readonly IgnoredPlace[];
}

/** A clone with more in its git directory than this is left to its remote. */
const LARGEST_CLEAN = 256 * 1024 ** 2;

/** The metadata folder, if the nested `.git` is that of a linked worktree, of whatever repository. */
function linkedWorktreeOf(folder: string): string | undefined {
  const dotGit = path.join(folder, '.git');
  if (fs.lstatSync(dotGit, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const target = readGitFile(dotGit);
  if (target === undefined) return undefined;
  const metadata = realPathOf(target);
  return fs.existsSync(path.join(metadata, 'commondir')) ? metadata : undefined;
}

/**
 * What no git may meet in the worktree or a repository inside it. A git that looks at the worktree reads into the repositories inside
 * on its way, so this comes first.
 */
export function findStrangeInTree(
  worktree: string,
  tree: WalkedTree,
  places: readonly string[],
): StrangeFile | undefined {
  for (const relative of tree.strange.length > 0 ? [] : tree.nested) {
    const folder = path.join(worktree, pathText(relative));
    if (!isText(relative)) return { file: folder, why: 'is a repository, and its name is not UTF-8' };
    if (linkedWorktreeOf(folder) !== undefined) continue; // refused as such
    const found = findStrangeRepository(path.join(folder, '.git'), [worktree, ...places]);
    if (found !== undefined) return found;
  }
  return tree.strange[0];
}

/**
 * Looks at every repository that goes with the worktree.
 * @throws HeadjackError worktree_nested where another worktree would lose its files or its repository
 */
export async function inspectNested(
  outer: OuterWorktree,
  env: NodeJS.ProcessEnv,
): Promise<NestedRepositories> {
  const places = [outer.at, outer.worktree];
  const found: Found[] = [];
  const reasons: string[] = [];
  for (const inner of findRepositories(outer)) {
    refuseWorktrees(inner);
    const judged = await judgeRepository(inner, env, places);
    const parent = found.findLast(
      other => other.hasFolder && isAtOrBelow(inner.path, other.path) && other.path !== inner.path,
    );
    const changes = parent === undefined ? outer.changes : parent.changes;
    const link = changes?.links.get(
      parent === undefined ? inner.path : inner.path.slice(parent.path.length + 1),
    );
    const moved = link !== undefined && judged.head !== undefined && link !== judged.head;
    const mine = [
      ...judged.reasons,
      ...(moved ? [`submodule ${printable(pathText(inner.path))} is at another commit than recorded`] : []),
    ];
    reasons.push(...mine);
    found.push({ ...judged, ...chooseFiles(inner, judged, outer), reasons: mine, absolute: inner.gitDir });
  }
  const work = withWhatBelongsToIt(found);
  const isClone = (one: Found): boolean =>
    one.hasFolder &&
    !work.has(one) &&
    !isIgnored(outer.changes, `${one.path}/`) &&
    !outer.changes.links.has(one.path) &&
    sizeOf(one.absolute) <= LARGEST_CLEAN;
  return {
    work: [...work],
    clean: found.filter(isClone),
    reasons,
    ignoredNotStored: [...work].flatMap(one => one.ignoredNotStored),
  };
}

/** Outermost first: with files, without any in the folders that git ignores, and those of submodules whose folder is gone. */
function findRepositories(outer: OuterWorktree): (InnerRepository & { gitPath: string | undefined })[] {
  const { at, tree } = outer;
  const found: (InnerRepository & { gitPath: string | undefined })[] = [];
  for (const folder of tree.nested) {
    const gitDir = namedGitDir(bytePath(at, `${folder}/.git`)) ?? path.join(at, pathText(folder), '.git');
    const files = (tree.files.get(folder) ?? []).map(file => file.slice(folder.length + 1));
    const isFolder = lstatBytes(bytePath(at, `${folder}/.git`))?.isDirectory() === true;
    const gitPath = isFolder ? `${folder}/.git` : pathInside(gitDir, outer);
    found.push({ path: folder, gitDir, gitPath, work: { folder: path.join(at, pathText(folder)), files } });
  }
  for (const folder of tree.bare)
    if (isIgnored(outer.changes, `${folder}/HEAD`) || tree.nested.some(around => isAtOrBelow(folder, around)))
      found.push({ path: folder, gitDir: path.join(at, pathText(folder)), gitPath: folder, work: undefined });
  const owners = [
    ...(outer.metadata === undefined ? [] : [{ gitDir: outer.metadata, gitPath: '.git' }]),
    ...found.filter(one => one.gitPath !== undefined && !one.gitPath.startsWith('.git/')),
  ];
  for (const owner of owners) {
    for (const module of listModules(owner.gitDir)) {
      const gitDir = path.join(owner.gitDir, module);
      const gitPath = `${owner.gitPath ?? ''}/${Buffer.from(module).toString('latin1')}`;
      found.push({ path: gitPath, gitDir, gitPath, work: undefined });
    }
  }
  const seen = new Set<string>();
  return found.filter(({ gitDir, work }) => {
    const real = realPathOf(gitDir);
    const isNew = !seen.has(real);
    seen.add(real);
    return isNew || work !== undefined;
  });
}

/** A git directory's path in the worktree or in its metadata. */
function pathInside(gitDir: string, { at, metadata }: OuterWorktree): string | undefined {
  const real = realPathOf(gitDir);
  const bases: readonly (readonly [string | undefined, string])[] = [
    [metadata, '.git/'],
    [at, ''],
  ];
  for (const [base, prefix] of bases) {
    if (base === undefined || !isAtOrBelow(real, realPathOf(base))) continue;
    return prefix + Buffer.from(path.relative(realPathOf(base), real)).toString('latin1');
  }
  return undefined;
}

function refuseWorktrees(inner: InnerRepository & { gitPath: string | undefined }): void {
  const folder = inner.work?.folder;
  if (folder !== undefined && linkedWorktreeOf(folder) !== undefined) {
    throw new HeadjackError('worktree_nested', `${folder} is another worktree inside this one`, {
      hint: `git worktree move ${folder} <elsewhere>`,
    });
  }
  const [other] = inner.gitPath === undefined ? [] : linkedWorktrees(inner.gitDir);
  if (other === undefined) return;
  throw new HeadjackError(
    'worktree_nested',
    `${printable(other)} is a worktree of a repository inside this one, ${printable(pathText(inner.path))}`,
    { hint: `git worktree remove ${other}, or move the repository elsewhere` },
  );
}

function chooseFiles(
  inner: InnerRepository & { gitPath: string | undefined },
  { changes }: JudgedRepository,
  { includeIgnored }: OuterWorktree,
): Pick<Found, 'path' | 'gitPath' | 'files' | 'hasFolder' | 'ignoredNotStored'> {
  const { work, gitPath } = inner;
  const of = { path: inner.path, gitPath, hasFolder: work !== undefined };
  if (work === undefined) return { ...of, files: [], ignoredNotStored: [] };
  const ignored = changes?.ignored ?? new Map<string, string>();
  const chosen = chooseIgnored(work.folder, ignored, { all: includeIgnored, now: Date.now });
  const small = new Set(chosen.stored);
  // a restore connects a submodule with its repository anew
  const own = gitPath?.startsWith('.git/') === true ? work.files.filter(file => file !== '.git') : work.files;
  const files = own.filter(file => !ignored.has(file) || small.has(file));
  return {
    ...of,
    files: files.map(file => `${inner.path}/${file}`),
    ignoredNotStored: chosen.notStored.map(place => ({
      ...place,
      path: `${pathText(inner.path)}/${place.path}`,
    })),
  };
}

/** Repositories with work, those around them, and those whose objects they borrow. */
function withWhatBelongsToIt(found: readonly Found[]): Set<Found> {
  const work = new Set(found.filter(one => one.reasons.length > 0));
  for (const one of work) {
    const lent = alternatesOf(one.absolute);
    for (const other of found) {
      const isAround =
        isAtOrBelow(one.path, other.path) ||
        isAtOrBelow(one.gitPath ?? one.path, other.gitPath ?? other.path);
      const lends = lent.some(objects => objects === path.join(realPathOf(other.absolute), 'objects'));
      if (isAround || lends) work.add(other); // a set gives what is added while it is walked
    }
  }
  return work;
}

function alternatesOf(gitDir: string): string[] {
  const objects = path.join(gitDir, 'objects');
  const lines = (readUntrusted(path.join(objects, 'info/alternates')) ?? '')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'));
  return lines.map(line => realPathOf(path.resolve(objects, line)));
}

function sizeOf(gitDir: string): number {
  return listFolder(gitDir).files.reduce(
    (sum, file) => sum + (lstatBytes(bytePath(gitDir, file))?.size ?? 0),
    0,
  );
}

import fs from 'node:fs';
import path from 'node:path';
import { isAtOrBelow } from '../core/place.ts';
import { printable } from '../core/printable.ts';
import { HeadjackError, messageOf } from '../errors.ts';
import { realPathOf } from '../process/files.ts';
import { pathText } from './byte-path.ts';
import { freezeRepository } from './frozen-repository.ts';
import { createPlumbing, findObject, splitNul, type Plumbing } from './plumbing.ts';
import { findStrangeFile } from './strange-files.ts';
import { findChanges, hasChanges, honest, type TreeChanges } from './tree-changes.ts';
import { findUnfinished } from './unfinished.ts';

/** A repository that goes with the worktree: a submodule, one that somebody cloned or made there, one without files. */
export interface InnerRepository {
  /** Latin1 text, relative to the worktree: the folder of its files, or the git directory itself where it has none. */
  readonly path: string;
  /** Its git directory, absolute. */
  readonly gitDir: string;
  /** The folder of its files and these, relative to it; undefined for a bare one and for a submodule whose folder is gone. */
  readonly work: { readonly folder: string; readonly files: readonly string[] } | undefined;
}

export interface JudgedRepository {
  readonly git: Plumbing | undefined;
  readonly head: string | undefined;
  /** Undefined without files, and where git cannot read it. */
  readonly changes: TreeChanges | undefined;
  /** Ref name → object, of everything that it holds, where some of it is on none of its remotes. */
  readonly unpushed: ReadonlyMap<string, string>;
  /** What of it would be lost. */
  readonly reasons: readonly string[];
}

/**
 * What only this repository holds. One that git cannot read counts as work: its files can be stored all the same.
 * @param places where the worktree is or was: a remote in there is none
 */
export async function judgeRepository(
  inner: InnerRepository,
  env: NodeJS.ProcessEnv,
  places: readonly string[],
): Promise<JudgedRepository> {
  const shown = `repository ${printable(pathText(inner.path))} inside`;
  try {
    const strange = inner.work === undefined ? findStrangeFile(inner.gitDir, places) : undefined;
    if (strange !== undefined) throw new Error(`${strange.file} ${strange.why}`);
    // git would go to core.worktree, which may be gone
    const folder = inner.work?.folder ?? inner.gitDir;
    const gitDir = await freezeRepository(inner.gitDir, env);
    const git = await createPlumbing({ gitDir, workTree: folder }, env);
    const head = await findObject(git, 'HEAD^{commit}');
    const refs = await listRefs(git, inner.gitDir, head);
    const changes = inner.work === undefined ? undefined : await findChanges(git, inner.work.files);
    const staged = changes === undefined ? await hasStaged(git, inner.gitDir, head) : false;
    const unpushed = await hasUnpushed(git, refs, {
      folder,
      places,
      config: path.join(inner.gitDir, 'config'),
    });
    const reasons = [
      ...(staged || (changes !== undefined && hasChanges(changes)) ? [`${shown} has uncommitted work`] : []),
      ...(unpushed ? [`${shown} has commits that none of its remotes has`] : []),
      ...findUnfinished(inner.gitDir).map(what => `${what} in ${shown} is not finished`),
    ];
    return { git, head, changes, unpushed: unpushed ? refs : new Map(), reasons };
  } catch (error) {
    if (error instanceof HeadjackError && error.code !== 'git_failed') throw error;
    return {
      git: undefined,
      head: undefined,
      changes: undefined,
      unpushed: new Map(),
      reasons: [`could not tell: ${printable(messageOf(error))} (${shown})`],
    };
  }
}

/** Refs, HEAD and every stash: the older ones are in a reflog only. */
async function listRefs(
  git: Plumbing,
  gitDir: string,
  head: string | undefined,
): Promise<Map<string, string>> {
  const refs = new Map<string, string>();
  for (const line of (await git.text(['for-each-ref', '--format=%(objectname) %(refname)'])).split('\n')) {
    const [object, name] = line.split(' ');
    if (object !== undefined && name !== undefined && name !== '') refs.set(name, object);
  }
  if (head !== undefined) refs.set('HEAD', head);
  const stashes = path.join(gitDir, 'logs/refs/stash');
  if (refs.has('refs/stash') && fs.lstatSync(stashes, { throwIfNoEntry: false })?.isFile() === true) {
    const ids = (await git.text(['rev-list', '--walk-reflogs', '--format=', 'refs/stash'])).match(
      /[0-9a-f]{40,64}/g,
    );
    for (const [n, id] of (ids ?? []).entries()) refs.set(`refs/stash@{${String(n)}}`, id);
  }
  return refs;
}

async function hasUnpushed(
  git: Plumbing,
  refs: ReadonlyMap<string, string>,
  of: { readonly folder: string; readonly places: readonly string[]; readonly config: string },
): Promise<boolean> {
  const remotes = (await hasRemoteInside(git, of)) ? [] : ['--not', '--remotes'];
  const input = [...refs.values()].map(object => `${object}\n`).join('');
  const args = ['rev-list', '--max-count=1', '--all', '--stdin', ...remotes];
  return (await git.text(args, { input })).trim() !== '';
}

/** Whether what it calls a remote goes with the worktree or its container too: a folder in there, or one that is not on this machine. */
async function hasRemoteInside(
  git: Plumbing,
  of: { readonly folder: string; readonly places: readonly string[]; readonly config: string },
): Promise<boolean> {
  const listing = await git.try([
    'config',
    '--file',
    of.config,
    '-z',
    '--get-regexp',
    String.raw`^remote\..*\.url$`,
  ]);
  return splitNul(listing.stdout.toString('utf8')).some(entry => {
    const url = entry.slice(entry.indexOf('\n') + 1).replace(/^file:\/\//, '');
    if (/^[^/]*:/.test(url)) return false;
    const place = path.resolve(of.folder, url);
    return (
      !fs.existsSync(place) || of.places.some(outer => isAtOrBelow(realPathOf(place), realPathOf(outer)))
    );
  });
}

/** Without files only the index can say what was added to it. */
async function hasStaged(git: Plumbing, gitDir: string, head: string | undefined): Promise<boolean> {
  if (!fs.existsSync(path.join(gitDir, 'index'))) return false;
  const args =
    head === undefined ? ['ls-files', '-z'] : ['diff-index', '--cached', '--name-only', '-z', head, '--'];
  return (await git.text([...honest, ...args])) !== '';
}

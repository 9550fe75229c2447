import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError } from '../errors.ts';
import type { Look, WorktreeSubject } from './look.ts';
import { hasChanges, type NestedRepository } from './nested.ts';
import { findObject, type Plumbing } from './plumbing.ts';
import { fillIndex, lstatIn, withPrivateIndex, type IndexEntry } from './tree-changes.ts';

export interface Snapshot {
  readonly ref: string;
  readonly commit: string;
  /** The working tree with untracked files, nested repositories as plain files. */
  readonly tree: string;
}

/** Whether there is anything in it that only the worktree, or the branch that goes too, holds. */
export function needsSnapshot(look: Look): boolean {
  return (
    look.unreachable.length > 0 ||
    look.nested.length > 0 ||
    (look.changes !== undefined && (hasChanges(look.changes) || look.changes.intentToAdd.length > 0))
  );
}

/**
 * Stores the worktree as a commit under `refs/headjack/snapshots/<instance>-<n>`. The working tree stays as it is.
 * Parents: HEAD, the index, then every commit that would be unreachable.
 * @param at where the folder is, if it was renamed aside
 */
export async function storeSnapshot(
  subject: WorktreeSubject,
  look: Look,
  at = subject.worktree,
): Promise<Snapshot> {
  const { git } = look;
  if (git === undefined) throw unstorable(subject, look.reasons[0] ?? 'it could not be looked at');
  const shallow = look.nested.find(nested => nested.shallow && nested.unpushed.size > 0);
  if (shallow !== undefined)
    throw unstorable(
      subject,
      `the repository ${shallow.path} inside is shallow: its history cannot be stored`,
    );
  const tree = await writeWorkingTree(look, at);
  const index = await commitTree(git, await writeIndexTree(look), [], 'index');
  for (const nested of look.nested) await takeObjects(git, nested);
  const parents = [
    ...(look.head === undefined ? [] : [look.head]),
    index,
    ...look.unreachable.map(tip => tip.commit),
    ...look.nested.flatMap(nested => [...nested.unpushed.values()]),
  ];
  const message = JSON.stringify({
    schema: 1,
    instance: subject.instanceId,
    branch: subject.branch,
    head: look.head ?? null,
    detached: look.detached,
    intent_to_add: look.changes?.intentToAdd ?? [],
    nested: look.nested.map(nested => ({
      path: nested.path,
      head: nested.head ?? null,
      refs: Object.fromEntries(nested.unpushed),
    })),
    modes: unusualModes(look, at),
  });
  const commit = await commitTree(git, tree, await onlyCommits(git, parents), message);
  return { ref: await nameSnapshot(git, subject.instanceId, commit), commit, tree };
}

/** The tree object of what is in the folder now. */
export async function writeWorkingTree(look: Look, at: string): Promise<string> {
  const { git, changes } = look;
  if (git === undefined || changes === undefined) return git === undefined ? '' : headTree(git);
  return withPrivateIndex(async env => {
    await fillIndex(
      git,
      env,
      changes.index.filter(entry => entry.stage === '0'),
    );
    const nestedFiles = look.nested.flatMap(filesOf);
    const touched = [
      ...changes.unstaged,
      ...changes.untracked,
      ...changes.conflicted,
      ...changes.intentToAdd,
      ...nestedFiles,
    ];
    const storable = (file: string): boolean => {
      const stat = lstatIn(at, file);
      return stat !== undefined && (stat.isFile() || stat.isSymbolicLink());
    };
    const files = [...new Set(touched)];
    const gone = [...files.filter(file => !storable(file)), ...look.nested.map(nested => nested.path)];
    await feed(git, env, ['update-index', '--force-remove', '-z', '--stdin'], gone);
    await feed(git, env, ['update-index', '--add', '--replace', '-z', '--stdin'], files.filter(storable));
    return (await git.text(['write-tree'], { env })).trim();
  });
}

async function headTree(git: Plumbing): Promise<string> {
  const tree = await findObject(git, 'HEAD^{tree}');
  return tree ?? (await git.text(['hash-object', '-w', '-t', 'tree', '--stdin'])).trim();
}

/** The index as a tree: stages of a conflict as `<path>~1`, `~2`, `~3`. */
async function writeIndexTree(look: Look): Promise<string> {
  const { git, changes } = look;
  if (git === undefined || changes === undefined) return git === undefined ? '' : headTree(git);
  const intended = new Set(changes.intentToAdd);
  const entries: IndexEntry[] = changes.index
    .filter(entry => !intended.has(entry.path))
    .map(entry =>
      entry.stage === '0' ? entry : { ...entry, stage: '0', path: `${entry.path}~${entry.stage}` },
    );
  return withPrivateIndex(async env => {
    await fillIndex(git, env, entries);
    return (await git.text(['write-tree', '--missing-ok'], { env })).trim();
  });
}

/** Tracked and untracked files of a nested repository, as paths of the outer tree. */
function filesOf(nested: NestedRepository): string[] {
  const { index, untracked } = nested.changes;
  const files = [...index.filter(entry => entry.mode !== '160000').map(entry => entry.path), ...untracked];
  return [...new Set(files)].map(file => `${nested.path}/${file}`);
}

async function feed(
  git: Plumbing,
  env: NodeJS.ProcessEnv,
  args: readonly string[],
  files: readonly string[],
): Promise<void> {
  if (files.length > 0) await git.text(args, { env, input: files.map(file => `${file}\0`).join('') });
}

/** Copies every object that a nested repository's refs reach into ours. */
async function takeObjects(git: Plumbing, nested: NestedRepository): Promise<void> {
  if (nested.unpushed.size === 0) return;
  const wanted = `${[...nested.unpushed.values()].join('\n')}\n`;
  const pack = await nested.git.bytes(['pack-objects', '--revs', '--stdout', '-q'], { input: wanted });
  await git.text(['index-pack', '--stdin', '--fix-thin'], { input: pack });
}

async function commitTree(
  git: Plumbing,
  tree: string,
  parents: readonly string[],
  message: string,
): Promise<string> {
  const who = {
    GIT_AUTHOR_NAME: 'headjack',
    GIT_AUTHOR_EMAIL: 'headjack@localhost',
    GIT_COMMITTER_NAME: 'headjack',
    GIT_COMMITTER_EMAIL: 'headjack@localhost',
  };
  const args = ['commit-tree', tree, ...[...new Set(parents)].flatMap(parent => ['-p', parent])];
  return (await git.text(args, { env: who, input: message })).trim();
}

/** Parents have to be commits: a tag stands for what it points at, anything else is left to the trees. */
async function onlyCommits(git: Plumbing, objects: readonly string[]): Promise<string[]> {
  const commits: string[] = [];
  for (const object of objects) {
    const commit = await findObject(git, `${object}^{commit}`);
    if (commit !== undefined) commits.push(commit);
  }
  return commits;
}

async function nameSnapshot(git: Plumbing, instanceId: string, commit: string): Promise<string> {
  for (let n = 1; ; n++) {
    const ref = `refs/headjack/snapshots/${instanceId}-${String(n)}`;
    const result = await git.try(['update-ref', ref, commit, '0'.repeat(commit.length)]);
    if (result.code === 0) return ref;
    if ((await findObject(git, ref)) === undefined) {
      throw new HeadjackError('git_failed', `git update-ref failed: ${result.stderr.trim()}`);
    }
  }
}

/** Modes that git does not keep, of the files that are stored: path → octal. */
function unusualModes(look: Look, at: string): Record<string, string> {
  const modes: Record<string, string> = {};
  for (const file of [...(look.changes?.untracked ?? []), ...(look.changes?.unstaged ?? [])]) {
    const stat = lstatIn(at, file);
    const mode = (stat?.mode ?? 0) & 0o7777;
    if (stat?.isFile() === true && mode !== 0o644 && mode !== 0o755) modes[file] = mode.toString(8);
  }
  return modes;
}

function unstorable(subject: WorktreeSubject, why: string): HeadjackError {
  return new HeadjackError('unsafe', `the work in ${subject.worktree} cannot be stored: ${why}`, {
    hint: `look at it: cd ${subject.worktree} && git status`,
    details: [why],
  });
}

/** Removes a folder with everything in it. Links are not followed; folders without write permission are opened first. */
export function deleteFolder(folder: string): void {
  try {
    fs.rmSync(folder, { recursive: true, force: true });
  } catch {
    makeWritable(folder);
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function makeWritable(folder: string): void {
  const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return;
  fs.chmodSync(folder, 0o700);
  for (const name of fs.readdirSync(folder)) makeWritable(path.join(folder, name));
}

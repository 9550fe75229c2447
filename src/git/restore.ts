import fs from 'node:fs';
import { HeadjackError } from '../errors.ts';
import { printable } from '../core/printable.ts';
import { pathText } from './byte-path.ts';
import { decodePath } from './encoded-path.ts';
import { durable, type Plumbing } from './plumbing.ts';
import { restoreFacts } from './restore-facts.ts';
import { reconnectModules } from './restore-modules.ts';
import type { RestorePlan } from './restore-plan.ts';
import type { StoredSnapshot } from './snapshot-list.ts';
import { restoreSparseSettings } from './sparse-settings.ts';
import { fillIndex, honest, type IndexEntry } from './tree-changes.ts';
import { listStoredTree, listTree } from './tree-objects.ts';
import { restoreState } from './unfinished.ts';
import type { FileTree, TreeEntry } from './working-tree.ts';
import { prepareFolder, writeRaw, type RestorePlace } from './write-files.ts';

/** Fills a worktree that was added without a checkout: HEAD, index, files, modes, repositories inside, what was not finished. */
export async function restoreSnapshot(
  git: Plumbing,
  at: RestorePlace,
  snapshot: StoredSnapshot,
  plan: RestorePlan,
): Promise<void> {
  const { message, commit } = snapshot;
  for (const [ref, tip] of plan.create)
    await git.text([...durable, 'update-ref', '--create-reflog', ref, tip, '0'.repeat(tip.length)]);
  if (plan.headRef !== undefined) await git.text(['symbolic-ref', 'HEAD', plan.headRef]);
  else if (message.head !== null) await git.text(['update-ref', '--no-deref', 'HEAD', message.head]);
  const index = await readIndex(git, snapshot);
  await fillIndex(git, {}, index);
  const tree = await listNames(git, snapshot, commit);
  await writeFiles(git, at, { tree, index, leftOut: new Set(message.left_out), filtered: message.filtered });
  await reconnectModules(git, at, message.nested);
  await setBit(git, '--skip-worktree', [...message.left_out, ...message.skip_worktree]);
  if (message.intent_to_add.length > 0) {
    const add = [
      ...honest,
      'add',
      '--intent-to-add',
      '--force',
      '--ignore-errors',
      '--pathspec-from-file=-',
      '--pathspec-file-nul',
    ];
    await git.try(add, { input: nul(message.intent_to_add) });
  }
  await restoreSparseSettings(git, message.sparse);
  if (message.state !== null) await restoreState(git, at.metadata, message.state);
  for (const [ref, tip] of Object.entries(message.refs)) await git.try(['update-ref', ref, tip]);
  await git.try([...honest, 'update-index', '-q', '--refresh']);
  await setBit(git, '--assume-unchanged', message.assume_unchanged);
  restoreFacts(at, message, tree);
}

async function setBit(git: Plumbing, bit: string, files: readonly string[]): Promise<void> {
  if (files.length > 0)
    await git.text([...honest, 'update-index', bit, '-z', '--stdin'], { input: nul(files) });
}

/** @throws HeadjackError unsafe for a name that hjk would have encoded */
async function listNames(git: Plumbing, { message }: StoredSnapshot, tree: string): Promise<FileTree> {
  const listed = await listTree(git, tree);
  const decoded = [...listed].map(([name, entry]): [string, TreeEntry] => {
    const file = message.schema === 1 ? plainName(name) : decodePath(name);
    if (file !== undefined) return [file, entry];
    throw new HeadjackError(
      'unsafe',
      `the snapshot holds a path that is no file of a worktree: ${printable(pathText(name))}`,
      { hint: 'the snapshot was not made by hjk; nothing outside the worktree was touched' },
    );
  });
  return new Map(decoded);
}

/** Schema 1 did not encode: what some file system takes for `.git` was not made by hjk. */
function plainName(name: string): string | undefined {
  const bad = name
    .split('/')
    .some(part =>
      /^(\.git[. ]*|git~1)$/i.test(
        part.replaceAll(/\u00e2\u0080[\u008c-\u008f\u00aa-\u00ae]|\u00ef\u00bb\u00bf/g, ''),
      ),
    );
  return bad ? undefined : name;
}

function nul(files: readonly string[]): string {
  return files.map(file => `${file}\0`).join('');
}

async function readIndex(git: Plumbing, { message, commit }: StoredSnapshot): Promise<IndexEntry[]> {
  const parent = message.index ?? `${commit}^${message.head === null ? '1' : '2'}`;
  const stages = message.stages;
  const names = new Set(stages.map(({ name }) => name));
  const listed = message.schema === 1 ? await listTree(git, parent) : await listStoredTree(git, parent);
  const plain = [...listed].filter(([file]) => !names.has(file));
  return [...plain.map(([file, { mode, object }]) => ({ mode, object, stage: '0', path: file })), ...stages];
}

interface StoredFiles {
  readonly tree: FileTree;
  readonly index: readonly IndexEntry[];
  readonly leftOut: ReadonlySet<string>;
  readonly filtered: readonly string[] | null;
}

/**
 * Files that are as the index says are checked out, if that gives the same bytes or a filter has to make them; all others are
 * written byte for byte.
 */
async function writeFiles(git: Plumbing, at: RestorePlace, from: StoredFiles): Promise<void> {
  const indexed = new Map(from.index.filter(e => e.stage === '0').map(e => [e.path, e]));
  const filtered =
    from.filtered !== null && (await mayConvert(git, from)) ? new Set(from.filtered) : undefined;
  const checkout: string[] = [];
  const raw: [string, TreeEntry][] = [];
  for (const [file, entry] of from.tree) {
    if (from.leftOut.has(file)) continue;
    const own = indexed.get(file);
    const isIndexed = own?.object === entry.object && own.mode === entry.mode;
    if (entry.mode === '160000') prepareFolder(at, file);
    else if (isIndexed && (filtered === undefined || filtered.has(file))) checkout.push(file);
    else raw.push([file, entry]);
  }
  await writeRaw(git, at, raw);
  if (checkout.length > 0)
    await git.text([...honest, 'checkout-index', '--quiet', '--force', '-z', '--stdin'], {
      input: nul(checkout),
    });
}

/** Whether a checkout may give other bytes than those of the objects. */
async function mayConvert(git: Plumbing, { tree, index }: StoredFiles): Promise<boolean> {
  const isAttributes = (file: string): boolean => /(?:^|\/)\.gitattributes$/.test(file);
  if ([...tree.keys()].some(isAttributes) || index.some(e => isAttributes(e.path))) return true;
  const settings = ['config', '--get-regexp', String.raw`^core\.(autocrlf|eol|attributesfile|symlinks)$`];
  if ((await git.try(settings)).code === 0) return true;
  const info = (await git.text(['rev-parse', '--git-path', 'info/attributes'])).trim();
  return fs.existsSync(info);
}

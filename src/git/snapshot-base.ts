import { readMessage, type SnapshotMessage } from './snapshot-message.ts';
import type { Plumbing } from './plumbing.ts';
import { listStoredTree } from './tree-objects.ts';
import type { FileTree, TreeEntry } from './working-tree.ts';

interface Content {
  readonly files: FileTree;
  readonly message: SnapshotMessage;
}

/**
 * Adds what an earlier snapshot of the same removal has and this look has not: a removal that was killed, or a writer beside it, may
 * have deleted it meanwhile. Where both have a file, the later one counts; the earlier stays in its own snapshot, a parent.
 */
export async function mergeWithBase(git: Plumbing, base: string, now: Content): Promise<Content> {
  const message = base === '' ? undefined : await readMessage(git, base);
  if (message === undefined) return now;
  const files = new Map<string, TreeEntry>(now.files);
  const folders = new Set<string>();
  for (const file of files.keys()) for (const folder of foldersOf(file)) folders.add(folder);
  const links = [...files].filter(([, { mode }]) => mode === '160000').map(([file]) => file);
  for (const [file, entry] of await listStoredTree(git, base)) {
    const isInTheWay =
      folders.has(file) || foldersOf(file).some(folder => files.has(folder) && !links.includes(folder));
    if (!files.has(file) && !isInTheWay) files.set(file, entry);
  }
  for (const link of links)
    if ([...files.keys()].some(file => file.startsWith(`${link}/`))) files.delete(link);
  const nested = new Map([...message.nested, ...now.message.nested].map(one => [one.path, one]));
  return {
    files,
    message: {
      ...now.message,
      head: now.message.head ?? message.head,
      head_ref: now.message.head_ref ?? message.head_ref,
      branch_tip: now.message.branch_tip ?? message.branch_tip,
      state: now.message.state ?? message.state,
      nested: [...nested.values()],
      refs: { ...message.refs, ...now.message.refs },
      modes: { ...message.modes, ...now.message.modes },
      folders: [...new Set([...message.folders, ...now.message.folders])].filter(
        folder => !files.has(folder),
      ),
      reasons: [...new Set([...message.reasons, ...now.message.reasons])],
      ignored: message.ignored || now.message.ignored,
    },
  };
}

function foldersOf(file: string): string[] {
  const found: string[] = [];
  for (let end = file.lastIndexOf('/'); end !== -1; end = file.lastIndexOf('/', end - 1))
    found.push(file.slice(0, end));
  return found;
}

import fs from 'node:fs';
import path from 'node:path';
import { findNamedByCompose } from './compose-files.ts';
import { dockerfileOf, isRecord, textsOf, type DevcontainerConfig } from './config.ts';
import { readRegular } from '../process/regular-file.ts';

/** A file of a branch, from a commit or a worktree. */
export interface BranchFile {
  /** From the root of the worktree on. */
  readonly path: string;
  /** A symbolic link; its content is where it leads. */
  readonly link: boolean;
  readonly content: Buffer;
}

/** What is wanted of a branch, by paths from its root on: files, and folders with everything in them. */
interface WantedFiles {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** Reads files of a branch; those that are not there are left out. A link is never followed. */
export type ReadBranch = (wanted: WantedFiles) => Promise<BranchFile[]>;

/** Files of a worktree, which an agent may have written: links in the way of a path lead nowhere. */
export function readWorktree(root: string): ReadBranch {
  const visit = (relative: string, whole: boolean): BranchFile[] => {
    const place = path.join(root, relative);
    const stat = fs.lstatSync(place, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true)
      return (whole ? fs.readdirSync(place) : [])
        .filter(name => name !== '.git')
        .flatMap(name => visit(path.join(relative, name), true));
    if (stat?.isSymbolicLink() === true)
      return [{ path: relative, link: true, content: Buffer.from(fs.readlinkSync(place)) }];
    return stat?.isFile() === true
      ? [{ path: relative, link: false, content: readRegular(place, { follow: false }) }]
      : [];
  };
  const reachable = (place: string): boolean => !leadsThroughLink(root, path.dirname(place));
  return ({ files, folders }) =>
    Promise.resolve([
      ...files.filter(reachable).flatMap(file => visit(file, false)),
      ...folders.filter(reachable).flatMap(folder => visit(folder, true)),
    ]);
}

function leadsThroughLink(root: string, relative: string): boolean {
  if (relative === '.') return false;
  return (
    fs.lstatSync(path.join(root, relative), { throwIfNoEntry: false })?.isSymbolicLink() === true ||
    leadsThroughLink(root, path.dirname(relative))
  );
}

/** A devcontainer.json with everything of the branch that it names: what a user approves is exactly this. */
export interface DevcontainerContent {
  readonly file: string;
  readonly files: readonly BranchFile[];
  /** Of paths, kinds and contents; line ends do not count, as git may change them in a worktree. */
  readonly digest: string;
}

/**
 * @param own the configuration's file and all that lies in the folder for such files, as `config` was read from it
 */
export async function collectContent(
  file: string,
  own: readonly BranchFile[],
  config: DevcontainerConfig,
  read: ReadBranch,
): Promise<DevcontainerContent> {
  const known = new Map(own.map(f => [f.path, f]));
  const asked = new Set(known.keys());
  const compose = composeFiles(config).map(name => path.normalize(path.join(path.dirname(file), name)));
  for (let named = namedFiles(file, config); ;) {
    const wanted = named.filter(name => name !== '' && !name.startsWith('../') && !asked.has(name));
    if (wanted.length === 0) break;
    for (const name of wanted) asked.add(name);
    for (const found of await read({ files: wanted, folders: [] })) known.set(found.path, found);
    if (compose.length === 0) break;
    const inputs = findNamedByCompose([...known.values()], compose);
    named = [...inputs.compose, ...inputs.env, ...inputs.others];
  }
  const files = [...known.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { file, files, digest: digestOf(file, files) };
}

function digestOf(file: string, files: readonly BranchFile[]): string {
  const sha = (content: Buffer | string): string =>
    process.getBuiltinModule('node:crypto').createHash('sha256').update(content).digest('hex');
  const plain = (content: Buffer): string => content.toString('latin1').replaceAll('\r\n', '\n');
  return sha(JSON.stringify([file, ...files.map(f => [f.path, f.link, sha(plain(f.content))])]));
}

/** Files that the configuration names, from the root of the worktree on: Dockerfile, compose files, programs that it runs here. */
function namedFiles(file: string, config: DevcontainerConfig): string[] {
  const folder = path.dirname(file);
  const beside = [dockerfileOf(config) ?? '', ...composeFiles(config)].filter(name => name !== '');
  return [
    ...beside.map(name => path.normalize(path.join(folder, name))),
    ...(composeFiles(config).length > 0 ? ['.env', path.normalize(path.join(folder, '.env'))] : []),
    // it begins in the worktree; a word of it may be a file there
    ...commandsOf(config['initializeCommand'])
      .flatMap(command => command.split(/[\s"'`;|&<>()=]+/))
      .filter(word => word !== '' && !word.startsWith('-') && !path.isAbsolute(word))
      .map(word => path.normalize(word))
      .filter(word => word !== '.'),
  ];
}

export function composeFiles(config: DevcontainerConfig): string[] {
  return textsOf(config['dockerComposeFile']);
}

/** A lifecycle command in each of its forms, as texts: a line, words, or several of either with names. */
export function commandsOf(value: unknown): string[] {
  if (typeof value === 'string') return value.trim() === '' ? [] : [value];
  if (Array.isArray(value)) return value.length === 0 ? [] : [textsOf(value).join(' ')];
  return isRecord(value) ? Object.values(value).flatMap(commandsOf) : [];
}

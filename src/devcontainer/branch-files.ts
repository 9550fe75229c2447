import fs from 'node:fs';
import path from 'node:path';
import { dockerfileOf, isRecord, textsOf, type DevcontainerConfig } from './config.ts';

/** A file of a branch, from a commit or a worktree. */
export interface BranchFile {
  /** From the root of the worktree on. */
  readonly path: string;
  /** A symbolic link; its content is where it leads. */
  readonly link: boolean;
  readonly content: Buffer;
}

/** Reads files, and whole folders, of a branch; those that are not there are left out. A link is never followed. */
export type ReadBranch = (paths: readonly string[]) => Promise<BranchFile[]>;

const MOST_FILES = 2000;

/** Files of a worktree, which an agent may have written: links in the way of a path lead nowhere. */
export function readWorktree(root: string): ReadBranch {
  const found = new Map<string, BranchFile>();
  const visit = (relative: string): void => {
    const place = path.join(root, relative);
    const stat = fs.lstatSync(place, { throwIfNoEntry: false });
    if (stat === undefined || found.size >= MOST_FILES) return;
    if (stat.isDirectory()) {
      for (const name of fs.readdirSync(place).sort()) if (name !== '.git') visit(path.join(relative, name));
    } else if (stat.isFile() || stat.isSymbolicLink()) {
      const link = stat.isSymbolicLink();
      const content = link ? Buffer.from(fs.readlinkSync(place)) : fs.readFileSync(place);
      found.set(relative, { path: relative, link, content });
    }
  };
  return paths => {
    found.clear();
    for (const wanted of paths) if (!leadsThroughLink(root, path.dirname(wanted))) visit(wanted);
    return Promise.resolve([...found.values()]);
  };
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

/** @param file where the configuration is; `config` what it says */
export async function collectContent(
  file: string,
  config: DevcontainerConfig,
  read: ReadBranch,
): Promise<DevcontainerContent> {
  const folder = path.dirname(file);
  const named = namedFiles(file, config).filter(name => name !== '' && !name.startsWith('../'));
  const own = folder === '.' ? file : folder;
  const found = await read([...new Set([own, ...named])]);
  // a word that happens to be the name of a folder brings in nothing
  const wanted = found.filter(f => f.path.startsWith(`${own}/`) || [own, ...named].includes(f.path));
  const files = [...new Map(wanted.map(f => [f.path, f])).values()].sort((a, b) =>
    a.path < b.path ? -1 : 1,
  );
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

import fs from 'node:fs';
import path from 'node:path';
import {
  collectContent,
  readWorktree,
  type BranchFile,
  type DevcontainerContent,
  type ReadBranch,
} from '../../devcontainer/branch-files.ts';
import { parseDevcontainer, type DevcontainerConfig } from '../../devcontainer/config.ts';
import { HeadjackError } from '../../errors.ts';
import type { RepositoryGit } from '../services.ts';

/** A branch's devcontainer.json. */
export interface Devcontainer {
  readonly config: DevcontainerConfig;
  readonly content: DevcontainerContent;
}

const FOLDER = '.devcontainer';
const usualPlaces: readonly string[] = [`${FOLDER}/devcontainer.json`, '.devcontainer.json'];
const namedPlace = /^\.devcontainer\/([^/]+)\/devcontainer\.json$/;

/**
 * The devcontainer.json of a branch with all that it names, or undefined where it has none and none was wanted.
 * @param wanted as `--devcontainer` names it; else the one at a usual place counts, else the only one that has a name
 * @throws HeadjackError usage; devcontainer_invalid, also where the branch has not the wanted one, or several to choose from
 */
export async function findDevcontainer(read: ReadBranch, wanted: string): Promise<Devcontainer>;
export async function findDevcontainer(read: ReadBranch, wanted?: string): Promise<Devcontainer | undefined>;
export async function findDevcontainer(read: ReadBranch, wanted?: string): Promise<Devcontainer | undefined> {
  const place = wanted === undefined ? undefined : devcontainerPlace(wanted);
  const places = place === undefined ? usualPlaces : [place];
  const all = await read({ files: places, folders: [FOLDER] });
  const file = places.flatMap(at => all.find(f => f.path === at) ?? [])[0] ?? onlyNamed(all, place);
  if (file === undefined) return undefined;
  if (file.link)
    throw new HeadjackError('devcontainer_invalid', `${file.path} of the branch is a link`, {
      hint: 'put the file itself there, or do without it: --image <ref>',
    });
  const config = parseDevcontainer(file.content.toString('utf8'), file.path);
  // another one at a usual place has nothing to do with this
  const own = all.filter(f => f.path === file.path || f.path.startsWith(`${FOLDER}/`));
  return { config, content: await collectContent(file.path, own, config, read) };
}

function onlyNamed(all: readonly BranchFile[], wanted: string | undefined): BranchFile | undefined {
  const named = all.filter(({ path: at }) => namedPlace.test(at));
  if (wanted === undefined && named.length <= 1) return named[0];
  const names = named.map(({ path: at }) => devcontainerName(at) ?? at);
  throw new HeadjackError(
    'devcontainer_invalid',
    wanted === undefined
      ? `the branch has ${String(named.length)} dev containers to choose from: ${names.join(', ')}`
      : `the branch has no ${wanted}`,
    {
      details: wanted === undefined || names.length === 0 ? [] : [`it has: ${names.join(', ')}`],
      hint: `${names[0] === undefined ? '' : `choose one: --devcontainer ${names[0]}, or `}do without: --image <ref>`,
    },
  );
}

/**
 * Where the devcontainer.json is that `--devcontainer` names: a file of the branch, a folder, or the name of a folder in `.devcontainer`.
 * @throws HeadjackError usage
 */
export function devcontainerPlace(given: string): string {
  const plain = path.posix.normalize(given).replace(/\/+$/, '');
  if (given === '' || plain === '..' || plain.startsWith('../') || path.posix.isAbsolute(plain))
    throw new HeadjackError('usage', `--devcontainer: ${JSON.stringify(given)} is no place in a branch`, {
      hint: 'give the name of a folder in .devcontainer, or a path from the root of the branch',
    });
  if (plain.endsWith('.json')) return plain;
  return path.posix.join(plain.includes('/') || plain === FOLDER ? '' : FOLDER, plain, 'devcontainer.json');
}

/** How `--devcontainer` names it, undefined where it need not be named. */
export function devcontainerName(place: string | undefined): string | undefined {
  return place === undefined || usualPlaces.includes(place)
    ? undefined
    : (namedPlace.exec(place)?.[1] ?? place);
}

/** Files of a branch: as they are in its worktree, where it has one, else as its commit has them. */
export function branchReader(git: RepositoryGit, worktree: string | undefined, commit: string): ReadBranch {
  return worktree !== undefined && fs.existsSync(worktree)
    ? readWorktree(worktree)
    : wanted => git.readFiles(commit, wanted);
}

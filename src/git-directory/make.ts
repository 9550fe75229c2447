import fs from 'node:fs';
import path from 'node:path';
import type { Repository } from '../core/repository.ts';
import { createPlumbing, findObject, type Plumbing } from '../git/plumbing.ts';
import { isStateFile } from '../git/unfinished.ts';
import { isLeftTemp, listFolder, makePrivateFolder, replaceFile } from '../process/files.ts';
import { makerTag } from '../process/maker-tag.ts';
import { writeFirstBridgeState } from './bridge-state.ts';
import { generateConfig, readSettings } from './config.ts';
import { findHooks } from './hooks.ts';
import { copyPlainFile, copyPlainFolder } from './host-files.ts';
import { GIT_DIRECTORY_INSIDE, gitDirectoryPlaces } from './places.ts';
import { quietSubmodules } from './quiet-submodules.ts';
import { listGivenRefs, writeRefs } from './refs.ts';

export interface GitDirectoryOrder {
  readonly repository: Repository;
  /** `<common dir>/worktrees/<n>` of the instance's worktree. */
  readonly metadata: string;
  readonly branch: string;
  /** Where the instance's own files are. */
  readonly instanceFolder: string;
  /** Whether the repository's hooks are to act inside. */
  readonly copyHooks: boolean;
}

/** Bytes beyond which a file is left out. */
const SMALL = 16 * 1024 ** 2;
const INDEX = 4 * 1024 ** 3;

/**
 * Makes a container's own git directory for a worktree of the host's: its refs, index and state, with the host's objects borrowed. It
 * is there whole or not at all. One that is there already is replaced: only where no program ever had it. Gives the names of hooks
 * that are left out.
 */
export async function makeGitDirectory(
  order: GitDirectoryOrder,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly unusedHooks: readonly string[] }> {
  const places = gitDirectoryPlaces(order.instanceFolder);
  const git = await createPlumbing({ gitDir: order.metadata }, env);
  const [given, settings, head] = await Promise.all([listGivenRefs(git), readSettings(git), findHead(git)]);
  makePrivateFolder(order.instanceFolder);
  for (const name of listFolder(order.instanceFolder).filter(isLeftTemp))
    fs.rmSync(path.join(order.instanceFolder, name), { recursive: true, force: true });
  const draft = `${places.directory}.hjk.${makerTag()}.tmp`;
  const write = (name: string, content: string | Buffer): void => {
    fs.writeFileSync(path.join(draft, name), content, { mode: 0o600 });
  };
  try {
    for (const folder of ['refs/heads', 'refs/tags', 'objects/info', 'objects/pack', 'info', 'hooks', 'logs'])
      fs.mkdirSync(path.join(draft, folder), { recursive: true, mode: 0o700 });
    write('config', generateConfig(settings, order.repository.root));
    write('HEAD', Buffer.from(head, 'latin1'));
    write('objects/info/alternates', alternateLine(order.repository));
    writeRefs(draft, given);
    copyFromHost(draft, order);
    await quietSubmodules(git, { commonDir: order.repository.commonDir, metadata: order.metadata }, settings);
    const hooks = findHooks(order.repository, settings);
    const taken = order.copyHooks ? hooks : [];
    for (const hook of taken) copyPlainFile(hook, path.join(draft, 'hooks', path.basename(hook)), SMALL);
    writeFirstBridgeState(places.bridge, {
      branch: order.branch,
      refs: given.refs,
      directory: draft,
    });
    replaceFile(places.gitFile, `gitdir: ${GIT_DIRECTORY_INSIDE}\n`);
    fs.rmSync(places.directory, { recursive: true, force: true });
    fs.renameSync(draft, places.directory);
    return { unusedHooks: hooks.filter(hook => !taken.includes(hook)).map(hook => path.basename(hook)) };
  } catch (error) {
    fs.rmSync(draft, { recursive: true, force: true });
    throw error;
  }
}

/** Git's own quotes, where the path could be taken for something else. */
function alternateLine({ commonDir }: Repository): string {
  const place = path.join(commonDir, 'objects');
  return `${/[\n"#]/.test(place) ? JSON.stringify(place) : place}\n`;
}

async function findHead(git: Plumbing): Promise<string> {
  const named = (await git.try(['symbolic-ref', '--quiet', 'HEAD'])).stdout.toString('latin1').trim();
  return named === '' ? `${(await findObject(git, 'HEAD')) ?? ''}\n` : `ref: ${named}\n`;
}

/** What of the host's files belongs to the worktree or says how it is to be read. */
function copyFromHost(draft: string, { repository, metadata, branch }: GitDirectoryOrder): void {
  const copy = (from: string, name: string, most = SMALL): void => {
    copyPlainFile(path.join(from, name), path.join(draft, name), most);
  };
  for (const name of ['info/exclude', 'info/attributes', 'shallow']) copy(repository.commonDir, name);
  copy(metadata, 'info/sparse-checkout');
  copy(metadata, 'index', INDEX);
  for (const name of listFolder(metadata)) {
    if (/^sharedindex\.[0-9a-f]+$/.test(name)) copy(metadata, name, INDEX);
    else if (isStateFile(name)) copy(metadata, name);
    else if (isStateFile(`${name}/x`))
      copyPlainFolder(path.join(metadata, name), path.join(draft, name), SMALL);
  }
  copy(metadata, 'logs/HEAD');
  copy(repository.commonDir, `logs/refs/heads/${branch}`);
  // the keys of a repository whose files are decrypted in the worktree
  copyPlainFolder(path.join(repository.commonDir, 'git-crypt'), path.join(draft, 'git-crypt'), SMALL);
}

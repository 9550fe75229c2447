import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError, errnoOf, ignoring } from '../errors.ts';
import { readUntrusted } from '../process/regular-file.ts';
import { poll } from '../process/sleep.ts';
import { listWorktrees } from './metadata.ts';
import { findRefLink } from './ref-files.ts';
import { findObject, type Plumbing } from './plumbing.ts';
import { findUnfinished } from './unfinished.ts';

export interface BranchRenaming {
  readonly commonDir: string;
  /** Metadata of the worktree whose HEAD goes along; undefined where there is none. */
  readonly metadata: string | undefined;
  readonly from: string;
  readonly to: string;
  /** Where a renaming that was killed may have made the new name already; undefined for one that begins. */
  readonly begunAt?: string;
}

/**
 * Makes branch `to` where `from` is, with its reflog, and lets HEAD of the worktree name it. `from` stays: it goes last. Each step
 * finds out whether it is done. HEAD is locked meanwhile, as git itself locks it, so that a commit there comes before or after.
 * @throws HeadjackError busy where something is under way that names the branch, branch_moved; nothing was made then
 */
export async function moveToNewName(git: Plumbing, renaming: BranchRenaming): Promise<void> {
  const { commonDir, metadata, from, to } = renaming;
  const link = findRefLink(commonDir, from) ?? findRefLink(commonDir, to);
  if (link !== undefined)
    throw new HeadjackError('unsafe', `${link} is, or is behind, a link: git would write where it leads`, {
      hint: `look at it: ls -ld ${link}`,
    });
  const lock = metadata === undefined ? undefined : await lockHead(metadata, from, to);
  try {
    refuseUnfinished(renaming);
    const [old, tip] = [
      await findObject(git, `refs/heads/${to}`),
      await findObject(git, `refs/heads/${from}`),
    ];
    if (old !== undefined && renaming.begunAt === undefined)
      throw new HeadjackError('branch_moved', `branch "${to}" exists already`, {
        hint: 'choose a name that is free',
      });
    if (tip !== undefined && old === undefined) {
      const nothing = '0'.repeat(tip.length);
      const message = `Branch: renamed refs/heads/${from} to refs/heads/${to}`;
      await git.text(['update-ref', '--create-reflog', '-m', message, `refs/heads/${to}`, tip, nothing]);
      prependReflog(commonDir, from, to);
    } else if (tip !== undefined && old !== undefined && old === renaming.begunAt && tip !== old)
      await git.text(['update-ref', `refs/heads/${to}`, tip, old]);
    if (lock !== undefined && metadata !== undefined) fs.renameSync(lock, path.join(metadata, 'HEAD'));
    else if (metadata !== undefined) await switchHead(git, metadata, from, to);
  } finally {
    if (lock !== undefined) fs.rmSync(lock, { force: true });
  }
}

/** What is under way in any worktree, the main checkout too, and would end on a branch of the old name. @throws HeadjackError busy */
export function refuseUnfinished({ commonDir, metadata, from }: BranchRenaming): void {
  const here = metadata === undefined ? undefined : findUnfinished(metadata)[0];
  const places = [{ folder: commonDir, path: 'the main checkout' }, ...listWorktrees(commonDir)].filter(
    ({ folder }) => folder !== metadata,
  );
  const elsewhere = places.find(({ folder }) => names(folder, from));
  if (here === undefined && elsewhere === undefined) return;
  const what = here ?? 'a rebase or bisect of it';
  const where = here === undefined ? ` in ${elsewhere?.path ?? ''}` : '';
  throw new HeadjackError('busy', `branch "${from}" cannot be renamed: ${what} is not finished${where}`, {
    hint: 'finish it, or give it up (git status says how), then rename',
  });
}

/** Whether what is under way there names the branch. */
function names(folder: string, branch: string): boolean {
  const files = [
    'rebase-merge/head-name',
    'rebase-merge/update-refs',
    'rebase-apply/head-name',
    'BISECT_START',
  ];
  return files.some(file => {
    const lines = (readUntrusted(path.join(folder, file)) ?? '').split('\n');
    return lines.includes(`refs/heads/${branch}`) || (file === 'BISECT_START' && lines.includes(branch));
  });
}

/**
 * The lock on HEAD, holding what HEAD is to be; undefined where HEAD does not name the branch, or is no file (reftable). One that a
 * killed rename left says the same and is taken as ours.
 */
async function lockHead(metadata: string, from: string, to: string): Promise<string | undefined> {
  const file = path.join(metadata, 'HEAD');
  const wanted = `ref: refs/heads/${to}\n`;
  const lock = `${file}.lock`;
  if (readUntrusted(file) !== `ref: refs/heads/${from}\n`) {
    if (readUntrusted(lock) === wanted) fs.rmSync(lock, { force: true });
    return undefined;
  }
  const held = await poll(
    () => {
      try {
        fs.writeFileSync(lock, wanted, { flag: 'wx', mode: 0o644 });
        return true;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
        return readUntrusted(lock) === wanted ? true : undefined;
      }
    },
    { everyMs: 5, limitMs: 2000 },
  );
  if (held !== true)
    throw new HeadjackError('busy', `a git works in the worktree of branch "${from}": ${lock} exists`, {
      hint: 'wait for it; if no git runs there, remove that file',
    });
  if (readUntrusted(file) === `ref: refs/heads/${from}\n`) return lock;
  fs.rmSync(lock, { force: true }); // a checkout came first
  return undefined;
}

/** Where refs are no files. */
async function switchHead(git: Plumbing, metadata: string, from: string, to: string): Promise<void> {
  const at = [`--git-dir=${metadata}`, 'symbolic-ref'];
  const named = (await git.try([...at, '--quiet', 'HEAD'])).stdout.toString('utf8').trim();
  if (named === `refs/heads/${from}`) await git.text([...at, 'HEAD', `refs/heads/${to}`]);
}

const LARGEST_REFLOG = 64 * 1024 ** 2;

/** Puts the old branch's reflog before the new one's, where both are files. */
function prependReflog(commonDir: string, from: string, to: string): void {
  const [old, own] = [from, to].map(branch => path.join(commonDir, 'logs', 'refs', 'heads', branch));
  if (old === undefined || own === undefined) return;
  const read = (file: string): Buffer | undefined =>
    ignoring(
      ['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR'],
      () => {
        const fd = fs.openSync(
          file,
          fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK,
        );
        try {
          const stat = fs.fstatSync(fd);
          return stat.isFile() && stat.size <= LARGEST_REFLOG ? fs.readFileSync(fd) : undefined;
        } finally {
          fs.closeSync(fd);
        }
      },
      undefined,
    );
  const [before, now] = [read(old), read(own)];
  if (before === undefined || now === undefined) return;
  const last = before.toString('latin1').trimEnd().split('\n').at(-1) ?? '';
  const tip = last.split(' ')[1];
  // the line that made the new branch goes on from the old one's tip, as after `git branch -m`
  const renamed = tip === undefined ? now : Buffer.from(now.toString('latin1').replace(/^0+/, tip), 'latin1');
  const lock = `${own}.lock`;
  const whole = Buffer.concat([before, renamed]);
  const taken = ignoring(['EEXIST'], () => (fs.writeFileSync(lock, whole, { flag: 'wx' }), true), false);
  if (taken) fs.renameSync(lock, own);
}

import fs from 'node:fs';
import path from 'node:path';
import { poll } from '../../process/sleep.ts';
import { readIfThere } from '../../process/regular-file.ts';
import { isAlive, ownIdentity, parseIdentity } from '../../process/identity.ts';
import { makerTag } from '../../process/maker-tag.ts';
import { takeWhole } from './claim.ts';
import type { HostGit } from './host-git.ts';

/** The host's index of the worktree, locked as git locks it. */
export interface LockedIndex {
  /** Makes the index that is to replace it: what differs between two commits, and nothing else, changes. */
  prepare(from: string, to: string): Promise<void>;
  /** Puts it in place and releases the lock. */
  commit(): void;
  release(): void;
}

/** A `git status` holds it for a moment. */
const PATIENCE_MS = 1000;

/**
 * Takes `index.lock`, so that no git of the user's commits while the branch is moved under it: with the index of before, such a commit
 * would take back what was carried. A lock that a killed bridge left is taken over without being released. Undefined where a git
 * holds it.
 */
export async function lockIndex(git: HostGit, metadata: string): Promise<LockedIndex | undefined> {
  const lock = path.join(metadata, 'index.lock');
  const taken = await poll(() => takeWhole(lock, ownLine()) || takeOver(lock) || undefined, {
    everyMs: 20,
    limitMs: PATIENCE_MS,
  });
  if (taken !== true) return undefined;
  const index = path.join(metadata, 'index');
  const next = path.join(metadata, 'index.hjk');
  const release = (): void => {
    fs.rmSync(next, { force: true });
    fs.rmSync(lock, { force: true });
  };
  let prepared = false;
  return {
    async prepare(from, to) {
      for (const left of [next, `${next}.lock`]) fs.rmSync(left, { force: true });
      if (!fs.existsSync(index)) return;
      fs.copyFileSync(index, next);
      const options = { gitDir: metadata, variables: { GIT_INDEX_FILE: next } };
      // keeps what the user staged; where the same path differs in the commit, that stage is given up, and the files stay
      const merged = await git.try(['read-tree', '-i', '-m', from, to], options);
      if (merged.code !== 0) await resetChanged(git, { from, to }, options);
      prepared = true;
    },
    commit() {
      if (prepared) fs.renameSync(next, index);
      fs.rmSync(lock, { force: true });
    },
    release,
  };
}

async function resetChanged(
  git: HostGit,
  { from, to }: { readonly from: string; readonly to: string },
  options: { gitDir: string; variables: NodeJS.ProcessEnv },
): Promise<void> {
  const raw = await git.text(['diff-tree', '-r', '-z', '--no-renames', from, to]);
  const fields = raw.split('\0');
  let lines = '';
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [, mode = '', , object = ''] = (fields[i] ?? '').split(' ');
    lines += `${mode} ${object}\t${fields[i + 1] ?? ''}\0`;
  }
  await git.text(['update-index', '-z', '--index-info'], { ...options, input: lines });
}

function ownLine(): string {
  return `headjack ${JSON.stringify(ownIdentity())}\n`;
}

/** Replaces the lock of a bridge that is dead by ours, in one step. */
function takeOver(lock: string): boolean {
  if (!isLeftLock(lock)) return false;
  const temp = `${lock}.${makerTag()}.tmp`;
  fs.writeFileSync(temp, ownLine(), { mode: 0o600 });
  fs.renameSync(temp, lock);
  return true;
}

function isLeftLock(lock: string): boolean {
  const stat = fs.lstatSync(lock, { throwIfNoEntry: false });
  if (stat?.isFile() !== true || stat.size > 4096) return false;
  const text = readIfThere(lock) ?? '';
  const holder = text.startsWith('headjack ') ? parseIdentity(text.slice('headjack '.length)) : undefined;
  return holder !== undefined && (!isAlive(holder) || text === ownLine());
}

/** Releases the lock that a killed bridge left, where nothing else of it is left. */
export function releaseLeftLock(metadata: string): void {
  const lock = path.join(metadata, 'index.lock');
  if (!isLeftLock(lock)) return;
  fs.rmSync(path.join(metadata, 'index.hjk'), { force: true });
  fs.rmSync(lock, { force: true });
}

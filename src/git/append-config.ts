import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError, errnoOf } from '../errors.ts';
import { readRegular, readUntrusted } from '../process/regular-file.ts';
import { isAlive, ownIdentity, parseIdentity } from '../process/identity.ts';
import { poll } from '../process/sleep.ts';

/** Sets the upstream of a branch that has none. */
export async function appendUpstream(
  commonDir: string,
  branch: string,
  upstream: { readonly remote: string; readonly merge: string },
): Promise<void> {
  const quoted = branch.replaceAll(/["\\]/g, char => `\\${char}`);
  await appendSection(
    commonDir,
    `[branch "${quoted}"]\n\tremote = ${quoteValue(upstream.remote)}\n\tmerge = ${quoteValue(upstream.merge)}\n`,
  );
}

/**
 * Appends to the repository's config under git's own lock. `git config` would put a new file in its place, and with the old one would
 * go, in every container of the repository that runs, the read-only mask that lies on it: the kernel drops a mount from a name that is
 * renamed over. One appending write leaves the file where it is.
 */
export async function appendSection(commonDir: string, section: string): Promise<void> {
  const file = path.join(commonDir, 'config');
  const lock = `${file}.lock`;
  const held = await poll(() => takeLock(lock), { everyMs: 20, limitMs: 2000 });
  if (held !== true) {
    throw new HeadjackError('git_failed', `${lock} exists: a git changes the configuration`, {
      hint: 'wait for it; if no git runs there, remove that file',
    });
  }
  try {
    const old = readRegular(file).toString('utf8');
    const fd = fs.openSync(file, fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_NONBLOCK);
    try {
      const text = Buffer.from(old === '' || old.endsWith('\n') ? section : `\n${section}`);
      appendWhole(fd, text);
    } finally {
      fs.closeSync(fd);
    }
  } finally {
    fs.rmSync(lock, { force: true });
  }
}

/** All of it or nothing: half a section is a configuration that no git can read. */
function appendWhole(fd: number, text: Buffer): void {
  const { size } = fs.fstatSync(fd);
  try {
    if (fs.writeSync(fd, text) < text.length)
      throw new HeadjackError('disk_full', 'no space is left for the configuration of the repository', {
        hint: 'make room, then run the command again',
      });
    fs.fsyncSync(fd);
  } catch (error) {
    fs.ftruncateSync(fd, size);
    throw error;
  }
}

function takeLock(lock: string): true | undefined {
  try {
    // who holds it is in it: what a killed process leaves would keep every git from changing the configuration
    fs.writeFileSync(lock, JSON.stringify(ownIdentity()), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    if (isLeftLock(lock)) fs.rmSync(lock, { force: true });
    return undefined;
  }
}

/** The lock on a repository's configuration, if a process of ours that is dead left it. */
export function findLeftLock(commonDir: string): string | undefined {
  const lock = path.join(commonDir, 'config.lock');
  return isLeftLock(lock) ? lock : undefined;
}

function isLeftLock(lock: string): boolean {
  const holder = parseIdentity(readUntrusted(lock) ?? '');
  return holder !== undefined && !isAlive(holder);
}

/** Quoted as git reads values: `#` and `;` would begin a comment. */
function quoteValue(value: string): string {
  return `"${value.replaceAll(/["\\]/g, char => `\\${char}`)}"`;
}

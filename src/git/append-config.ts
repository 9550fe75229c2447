import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError, errnoOf } from '../errors.ts';
import { poll } from '../process/sleep.ts';

/**
 * Sets the upstream of a branch that has none by appending to the repository's config under git's own lock. `git config` would
 * put a new file in its place, and with the old one would go, in every container of the repository that runs, the read-only mask
 * that lies on it: the kernel drops a mount from a name that is renamed over. One appending write leaves the file where it is.
 */
export async function appendUpstream(commonDir: string, branch: string, remote: string): Promise<void> {
  const file = path.join(commonDir, 'config');
  const lock = `${file}.lock`;
  const held = await poll(() => takeLock(lock), { everyMs: 20, limitMs: 2000 });
  if (held !== true) {
    throw new HeadjackError('git_failed', `${lock} exists: a git changes the configuration`, {
      hint: 'wait for it; if no git runs there, remove that file',
    });
  }
  try {
    const old = fs.readFileSync(file, 'utf8');
    const quoted = branch.replaceAll(/["\\]/g, char => `\\${char}`);
    const section = `[branch "${quoted}"]\n\tremote = ${quoteValue(remote)}\n\tmerge = ${quoteValue(`refs/heads/${branch}`)}\n`;
    const fd = fs.openSync(file, fs.constants.O_WRONLY | fs.constants.O_APPEND);
    try {
      fs.writeSync(fd, old === '' || old.endsWith('\n') ? section : `\n${section}`);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  } finally {
    fs.rmSync(lock, { force: true });
  }
}

function takeLock(lock: string): true | undefined {
  try {
    fs.closeSync(fs.openSync(lock, 'wx', 0o600));
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return undefined;
    throw error;
  }
}

/** Quoted as git reads values: `#` and `;` would begin a comment. */
function quoteValue(value: string): string {
  return `"${value.replaceAll(/["\\]/g, char => `\\${char}`)}"`;
}

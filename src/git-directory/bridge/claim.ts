import fs from 'node:fs';
import { errnoOf } from '../../errors.ts';
import { readIfThere } from '../../process/regular-file.ts';
import { isAlive, ownIdentity, parseIdentity } from '../../process/identity.ts';
import { makerTag } from '../../process/maker-tag.ts';

/** Holds the bridge of an instance until `release`. */
export interface BridgeClaim {
  release(): void;
}

/**
 * Claims the bridge of an instance for this process: two at once would each undo what the other wrote down. Undefined where one
 * that lives has it. A dead one's is taken over: its file is renamed to a name that only one can take it to.
 */
export function claimBridge(file: string): BridgeClaim | undefined {
  const lock = `${file}.lock`;
  for (let tries = 0; tries < 3; tries++) {
    if (takeWhole(lock, `${JSON.stringify(ownIdentity())}\n`)) {
      return {
        release: () => {
          fs.rmSync(lock, { force: true });
        },
      };
    }
    const text = readIfThere(lock);
    if (text === undefined) continue; // released just now
    const holder = parseIdentity(text);
    if (holder !== undefined && isAlive(holder)) return undefined;
    moveAside(lock, text);
  }
  return undefined;
}

/** Creates a file with all of its content, or not at all. False where it is there. */
export function takeWhole(place: string, content: string): boolean {
  const random = process.getBuiltinModule('node:crypto').randomBytes(4).toString('hex');
  const temp = `${place}.${makerTag()}.${random}.tmp`;
  fs.writeFileSync(temp, content, { mode: 0o600, flag: 'wx' });
  try {
    fs.linkSync(temp, place);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(temp, { force: true });
  }
}

/** Removes the dead holder's file, and no other: what came in its place meanwhile is put back. */
function moveAside(lock: string, dead: string): void {
  const aside = `${lock}.${makerTag()}.dead.tmp`;
  try {
    fs.renameSync(lock, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  if (readIfThere(aside) !== dead) {
    try {
      fs.linkSync(aside, lock);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
  fs.rmSync(aside, { force: true });
}

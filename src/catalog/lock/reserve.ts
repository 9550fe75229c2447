import fs from 'node:fs';
import path from 'node:path';
import { makePrivateFolder, replaceFile } from '../../process/files.ts';

/** Room for the catalog to grow before the files are made anew. */
const SLACK = 64 * 1024;

/**
 * Two files whose blocks are set aside for the catalog, so that what ends programs and makes room works on a full disk: one of them
 * becomes the writer's marker and is written in place, which takes no block that the program which fills the disk could be quicker
 * to take. The catalog that it replaces becomes the next reserve.
 */
export class Reserve {
  readonly #slots: readonly string[];
  readonly #folder: string;

  /** @param folder on the same file system as the catalog; else the reserve is of no use, and nothing is worse */
  constructor(folder: string) {
    this.#folder = folder;
    this.#slots = ['0', '1'].map(n => path.join(folder, `catalog-${n}`));
  }

  /** After a commit on a disk that has room: sees to it that both are there, and large enough. */
  keep(bytes: number): void {
    try {
      for (const slot of this.#slots) {
        if (sizeOf(slot) >= bytes + SLACK / 2) continue;
        makePrivateFolder(this.#folder);
        replaceFile(slot, Buffer.alloc(bytes + SLACK, ' '));
      }
    } catch {
      // there is no room for it now
    }
  }

  /** Makes the larger one the file `marker`. Undefined where there is none. */
  take(marker: string): number | undefined {
    for (const slot of [...this.#slots].sort((a, b) => sizeOf(b) - sizeOf(a)))
      try {
        fs.renameSync(slot, marker);
        const fd = fs.openSync(marker, 'r+');
        // a process that was killed before it replaced the catalog left its link: written in place, it would be the catalog itself
        if (fs.fstatSync(fd).nlink === 1) return fd;
        fs.closeSync(fd);
        fs.unlinkSync(marker);
      } catch {
        // another process has it
      }
    return undefined;
  }

  /** Puts back one that was not used. */
  giveBack(marker: string): void {
    const slot = this.#freeSlot();
    if (slot !== undefined) fs.renameSync(marker, slot);
  }

  /** Right before the catalog is replaced: its blocks are the next reserve, if they are enough. */
  keepOld(catalog: string): void {
    const slot = this.#freeSlot();
    try {
      if (slot !== undefined && sizeOf(catalog) >= SLACK) fs.linkSync(catalog, slot);
    } catch {
      // the other one is left
    }
  }

  #freeSlot(): string | undefined {
    return this.#slots.find(slot => sizeOf(slot) < 0);
  }
}

/** Writes `text` into the blocks that the file has, and blanks after it, which JSON allows. False where they are not enough. */
export function writeInPlace(fd: number, text: string): boolean {
  const { size } = fs.fstatSync(fd);
  const bytes = Buffer.from(text);
  if (bytes.length > size) return false;
  const whole = Buffer.alloc(size, ' ');
  bytes.copy(whole);
  fs.writeSync(fd, whole, 0, size, 0);
  return true;
}

function sizeOf(file: string): number {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.size ?? -1;
}

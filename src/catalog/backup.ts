import fs from 'node:fs';
import { errnoOf } from '../errors.ts';
import { writeDurably } from '../process/files.ts';
import { readRegular } from '../process/regular-file.ts';

/**
 * Keeps the bytes of an older version beside the catalog as `catalog.v1.json.bak` before the first write of the current one.
 * An existing backup of other bytes is never replaced: the next free `.bak.2`, `.bak.3`, … is used.
 */
export function keepOldVersion(file: string, version: number, bytes: Buffer): void {
  const first = `${file.replace(/\.json$/, '')}.v${String(version)}.json.bak`;
  const temp = `${first}.${process.getBuiltinModule('node:crypto').randomBytes(4).toString('hex')}`;
  writeDurably(temp, bytes, { flag: 'wx', mode: 0o600 });
  try {
    for (let n = 1; ; n++) {
      const backup = n === 1 ? first : `${first}.${String(n)}`;
      try {
        fs.linkSync(temp, backup);
        return;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
        if (readRegular(backup, { most: bytes.length + 1 }).equals(bytes)) return;
      }
    }
  } finally {
    fs.unlinkSync(temp);
  }
}

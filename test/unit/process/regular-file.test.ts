import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCatalogStore } from '../../../src/catalog/store.ts';
import { loadConfigFile } from '../../../src/config/load.ts';
import { findTail } from '../../../src/logs/tail.ts';
import { readIfThere, readRegular, readUntrusted } from '../../../src/process/regular-file.ts';
import { makeFolder } from '../../support/sandbox.ts';

let folder: string;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true });
});
const place = (name: string): string => path.join(folder, name);

/** Things that are no regular files, by name. */
const strange = ['fifo', 'folder', 'zero', 'to-fifo'];
const make = (): void => {
  execFileSync('mkfifo', [place('fifo')]);
  fs.mkdirSync(place('folder'));
  fs.symlinkSync('/dev/zero', place('zero'));
  fs.symlinkSync('fifo', place('to-fifo'));
};

describe('only a regular file is opened', () => {
  it.each(strange)('not one that is %s', name => {
    make();
    expect(() => readRegular(place(name))).toThrow(`${place(name)} is not a regular file`);
    expect(() => readIfThere(place(name))).toThrow('is not a regular file');
    expect(readUntrusted(place(name))).toBeUndefined();
  });
  it('a link is followed only where that is wanted', () => {
    fs.writeFileSync(place('file'), 'text');
    fs.symlinkSync('file', place('link'));
    expect(readIfThere(place('link'))).toBe('text');
    expect(() => readRegular(place('link'), { follow: false })).toThrow('is not a regular file');
    expect(readUntrusted(place('link'))).toBeUndefined();
    expect(readUntrusted(place('link'), { follow: true })).toBe('text');
  });
  it('nothing, a link to nothing and a file in the way of the path are no file', () => {
    fs.writeFileSync(place('file'), '');
    fs.symlinkSync('nothing', place('dangling'));
    for (const name of ['none', 'dangling', 'file/below']) expect(readIfThere(place(name))).toBeUndefined();
  });
  it('one that is larger than it may be is not read to its end', () => {
    fs.writeFileSync(place('large'), '');
    fs.truncateSync(place('large'), 2 ** 40);
    expect(() => readRegular(place('large'))).toThrow('is larger than 16 MiB');
    fs.writeFileSync(place('small'), 'abc');
    expect(readRegular(place('small'), { most: 3 }).toString()).toBe('abc');
    expect(() => readRegular(place('small'), { most: 2 })).toThrow('is larger');
  });
  it('all of it is read, in order', () => {
    const bytes = Buffer.from(Array.from({ length: 1_000_003 }, (_, i) => i % 251));
    fs.writeFileSync(place('file'), bytes);
    expect(readRegular(place('file')).equals(bytes)).toBe(true);
    expect(readRegular('/proc/self/status').length).toBeGreaterThan(100); // says that it has no size
  });
});

it.each(strange)(
  'a catalog that is %s is refused, read and written, and nothing is put beside it',
  async name => {
    make();
    const before = fs.readdirSync(folder);
    const folders = { worktrees: place('w'), logs: place('l') };
    const store = createCatalogStore({ file: place(name), verb: 'test', folders });
    const refusal = {
      code: 'catalog_unreadable',
      message: expect.stringContaining('is not a regular file') as string,
    };
    await expect(store.read(catalog => catalog)).rejects.toMatchObject(refusal);
    await expect(store.update(() => undefined)).rejects.toMatchObject(refusal);
    expect(fs.readdirSync(folder)).toEqual(before);
  },
);

it.each(strange)('a config.yaml that is %s is refused', name => {
  make();
  expect(() => loadConfigFile(place(name))).toThrow('is not a regular file');
});

it.each(strange)('a log that is %s has no lines', name => {
  make();
  expect(findTail([place(name)], { lines: 10, maxBytes: 1000 }).ranges).toEqual([]);
});

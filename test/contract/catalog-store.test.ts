import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCatalogStore, type CatalogStore } from '../../src/catalog/store.ts';
import type { InstanceEntry } from '../../src/catalog/types.ts';
import { makeFolder } from '../support/sandbox.ts';

let folder: string;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

const at = (file: string): CatalogStore =>
  createCatalogStore({
    file,
    verb: 'test',
    folders: { worktrees: path.join(folder, 'git'), logs: path.join(folder, 'logs') },
  });
const fixture = (name: string): string => path.resolve(import.meta.dirname, '../fixtures/catalogs', name);
export const entry = (id: string): InstanceEntry => ({
  id,
  repo: '/r',
  repo_id: 'r-123456',
  branch: `b-${id}`,
  worktree: `/w/${id}`,
  container_id: '',
  created_at: '2026-01-01T00:00:00Z',
  status: 'stopped',
  sessions: [],
});
const add = (store: CatalogStore, id: string): Promise<number> =>
  store.update(draft => draft.entries.push(entry(id)));

describe('first use', () => {
  it('a read creates nothing, not even the folder', async () => {
    const store = at(path.join(folder, 'state/catalog.json'));
    expect(await store.read(c => c.entries.length)).toBe(0);
    expect(fs.readdirSync(folder)).toEqual([]);
  });
  it('the first update creates folder and file, for the user alone, also under umask 000', async () => {
    const old = process.umask(0);
    try {
      await add(at(path.join(folder, 'state/deep/catalog.json')), 'aaaaaaaa');
    } finally {
      process.umask(old);
    }
    expect(fs.statSync(path.join(folder, 'state')).mode & 0o777).toBe(0o700);
    expect(fs.statSync(path.join(folder, 'state/deep/catalog.json')).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(path.join(folder, 'state/deep'))).toEqual(['catalog.json']);
  });
});

describe('update', () => {
  it('gives the result, leaves no marker, and what it throws changes nothing', async () => {
    const store = at(path.join(folder, 'catalog.json'));
    expect(await add(store, 'aaaaaaaa')).toBe(1);
    const before = fs.readFileSync(path.join(folder, 'catalog.json'));
    await expect(
      store.update(() => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(fs.readFileSync(path.join(folder, 'catalog.json'))).toEqual(before);
    expect(fs.readdirSync(folder)).toEqual(['catalog.json']);
  });
  it('follows a link, a dangling one too, and writes beside the real file', async () => {
    fs.mkdirSync(path.join(folder, 'real'));
    fs.symlinkSync('real/there.json', path.join(folder, 'catalog.json'));
    await add(at(path.join(folder, 'catalog.json')), 'aaaaaaaa');
    await add(at(path.join(folder, 'catalog.json')), 'bbbbbbbb');
    expect(fs.lstatSync(path.join(folder, 'catalog.json')).isSymbolicLink()).toBe(true);
    expect(fs.readdirSync(path.join(folder, 'real'))).toEqual(['there.json']);
    expect(await at(path.join(folder, 'real/there.json')).read(c => c.entries.length)).toBe(2);
  });
});

describe('versions', () => {
  it('a read of version 1 writes nothing; the first update keeps its bytes', async () => {
    const file = path.join(folder, 'catalog.json');
    fs.copyFileSync(fixture('v1.json'), file);
    const store = at(file);
    expect(await store.read(c => c.entries[0]?.sessions)).toEqual([]);
    expect(fs.readdirSync(folder)).toEqual(['catalog.json']);
    await add(store, 'aaaaaaaa');
    expect(fs.readFileSync(path.join(folder, 'catalog.v1.json.bak'))).toEqual(
      fs.readFileSync(fixture('v1.json')),
    );
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toMatchObject({
      version: 2,
      made_by: 'hand',
      entries: [{ note: 'kept', sessions: [] }, { id: 'aaaaaaaa' }],
    });
  });
  it('never replaces an older backup of other bytes', async () => {
    const file = path.join(folder, 'catalog.json');
    fs.writeFileSync(path.join(folder, 'catalog.v1.json.bak'), 'precious');
    fs.copyFileSync(fixture('v1.json'), file);
    await add(at(file), 'aaaaaaaa');
    expect(fs.readFileSync(path.join(folder, 'catalog.v1.json.bak'), 'utf8')).toBe('precious');
    expect(fs.readFileSync(path.join(folder, 'catalog.v1.json.bak.2'))).toEqual(
      fs.readFileSync(fixture('v1.json')),
    );
  });
  it('unknown fields survive a rewrite', async () => {
    const file = path.join(folder, 'catalog.json');
    fs.copyFileSync(fixture('original.json'), file);
    await add(at(file), 'aaaaaaaa');
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toMatchObject({
      entries: [{ remote_user: 'developer', created_at: '2026-01-15T10:30:00.123456789+01:00' }, {}, {}],
    });
  });
  it.each(['future-3.json', 'truncated-half.json', 'package-json.json', 'worktree-root.json'])(
    '%s is never overwritten',
    async name => {
      const file = path.join(folder, 'catalog.json');
      fs.copyFileSync(fixture(`bad/${name}`), file);
      await expect(add(at(file), 'aaaaaaaa')).rejects.toMatchObject({ exitCode: 9 });
      expect(fs.readFileSync(file)).toEqual(fs.readFileSync(fixture(`bad/${name}`)));
      expect(fs.readdirSync(folder)).toEqual(['catalog.json']);
    },
  );
});

describe('a file of 0 bytes', () => {
  it('is an empty catalog where nothing else is', async () => {
    fs.copyFileSync(fixture('empty.json'), path.join(folder, 'catalog.json'));
    expect(await add(at(path.join(folder, 'catalog.json')), 'aaaaaaaa')).toBe(1);
  });
  it.each(['logs/a1b2c3d4', 'git/project-123456/main', 'catalog.v1.json.bak'])(
    'is a damaged one beside %s',
    async place => {
      fs.copyFileSync(fixture('empty.json'), path.join(folder, 'catalog.json'));
      fs.mkdirSync(path.join(folder, place), { recursive: true });
      await expect(at(path.join(folder, 'catalog.json')).read(c => c)).rejects.toMatchObject({
        code: 'catalog_empty',
      });
    },
  );
});

it('names what is in the way where the catalog is a folder', async () => {
  fs.mkdirSync(path.join(folder, 'catalog.json'));
  await expect(at(path.join(folder, 'catalog.json')).read(c => c)).rejects.toMatchObject({
    code: 'catalog_unreadable',
    exitCode: 9,
  });
});

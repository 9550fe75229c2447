import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCatalogStore } from '../../../src/catalog/store.ts';
import { makeFolder, makeSandbox, until } from '../../support/sandbox.ts';

/** A small disk, until the test ends. */
function smallDisk(place: string, size: string): Disposable & { place: string } {
  fs.mkdirSync(place, { recursive: true, mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', place]);
  return {
    place,
    [Symbol.dispose]() {
      execFileSync('umount', ['-l', place]);
    },
  };
}

function fill(folder: string): void {
  const fd = fs.openSync(path.join(folder, 'ballast'), 'a');
  try {
    for (const size of [65536, 4096, 512, 1]) for (;;) if (fs.writeSync(fd, Buffer.alloc(size)) < size) break;
  } catch {
    // full
  } finally {
    fs.closeSync(fd);
  }
}

describe('a full disk below the state root', () => {
  it('the program that fills it is ended by kill, stop and rm, however quick it is', async () => {
    await using box = makeSandbox();
    using disk = smallDisk(box.stateRoot, '4m');
    for (const branch of ['x', 'y', 'z']) await box.ok('run', branch);
    const fillIt = 'while [ ! -e go ]; do sleep .05; done; while :; do cat /dev/zero >>big; done 2>/dev/null';
    for (const branch of ['x', 'y', 'z']) await box.ok('exec', branch, '-d', '-n', 's', 'sh', '-c', fillIt);
    for (const { worktree } of box.catalog().entries) fs.writeFileSync(path.join(worktree, 'go'), '');
    const free = (): number => fs.statfsSync(disk.place).bavail;
    await until('a full disk', () => free() === 0);
    const full = await box.hjk('run', 'other');
    expect(full).toMatchObject({ code: 8 });
    expect(full.stderr).toContain('no space is left on the disk');
    await box.ok('kill', 'x/s');
    expect(box.catalog().entries.map(e => e.sessions.length)).toEqual([0, 1, 1]);
    fill(disk.place);
    await box.ok('stop', 'y');
    expect(box.catalog().entries.map(e => e.status)).toEqual(['running', 'stopped', 'running']);
    fill(disk.place);
    await box.ok('rm', 'z', '--force');
    expect(box.catalog().entries.map(e => e.branch)).toEqual(['x', 'y']);
    for (const branch of ['x', 'y']) await box.ok('rm', branch, '--force');
    fs.rmSync(path.join(box.stateRoot, 'ballast'));
    await box.ok('run', 'x');
    expect(fs.readFileSync(path.join(box.stateRoot, 'catalog.json'), 'utf8')).toMatch(/\}\n$/);
    expect(box.git('for-each-ref', 'refs/headjack/snapshots').trim().split('\n')).toHaveLength(3);
  });
});

describe('the reserve of the catalog', () => {
  it('serves any number of updates on a full disk, at once too; none is lost', async () => {
    const folder = makeFolder();
    using disk = smallDisk(folder, '1m');
    const open = (verb: string): ReturnType<typeof createCatalogStore> =>
      createCatalogStore({
        file: path.join(folder, 'catalog.json'),
        verb,
        folders: { worktrees: path.join(folder, 'git'), logs: path.join(folder, 'logs') },
        reserve: path.join(folder, 'reserve'),
      });
    const add = (verb: string): Promise<void> =>
      open(verb).update(draft => {
        Object.assign(draft, { count: ((draft as { count?: number }).count ?? 0) + 1 });
      });
    await add('rm');
    fill(disk.place);
    await expect(add('run')).rejects.toMatchObject({ code: 'disk_full' });
    for (let i = 0; i < 10; i++) await add('rm');
    await Promise.all(Array.from({ length: 10 }, () => add('stop')));
    expect(await open('ps').read(catalog => (catalog as { count?: number }).count)).toBe(21);
    // a writer that was killed between link and rename
    const [slot] = fs
      .readdirSync(path.join(folder, 'reserve'))
      .map(name => path.join(folder, 'reserve', name));
    fs.rmSync(slot!);
    fs.linkSync(path.join(folder, 'catalog.json'), slot!);
    await add('rm');
    expect(await open('ps').read(catalog => (catalog as { count?: number }).count)).toBe(22);
    fs.rmSync(path.join(folder, 'ballast'));
    await add('rm');
    expect(fs.readFileSync(path.join(folder, 'catalog.json'), 'utf8')).toMatch(/23\n\}\n$/);
    expect(fs.readdirSync(folder).sort()).toEqual(['catalog.json', 'reserve']);
  });
});

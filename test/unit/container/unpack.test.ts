import { describe, expect, it } from 'vitest';
import type { ArchiveEntry } from '../../../src/container/port.ts';
import { unpackEntries, type MountedPlace, type PlaceInside } from '../../../src/container/unpack.ts';

const file = (path: string): ArchiveEntry => ({ kind: 'file', path, content: '', mode: 0o644 });
const folder = (path: string): ArchiveEntry => ({ kind: 'folder', path, mode: 0o755, uid: 1, gid: 1 });
const link = (path: string, overImage = false): ArchiveEntry => ({
  kind: 'link',
  path,
  target: '/w',
  overImage,
});

/** A container with mounts, and with what its image has: folders (true: with content) and links. */
async function unpack(
  entries: readonly ArchiveEntry[],
  has: {
    mounts?: Readonly<Record<string, 'bind' | 'volume'>>;
    folders?: Readonly<Record<string, boolean>>;
    links?: Readonly<Record<string, string>>;
  },
): Promise<{ put: string[]; leftOut: string[] }> {
  let put: string[] = [];
  const isFolder = (place: string): boolean => has.folders?.[place] !== undefined;
  const leftOut = await unpackEntries(
    {
      mounts: () =>
        Promise.resolve(
          Object.entries(has.mounts ?? {}).map(([target, type]): MountedPlace => ({
            target,
            source: '/s',
            volume: type === 'volume',
          })),
        ),
      stat: place => {
        const leadsTo = has.links?.[place] ?? '';
        const kind: PlaceInside['kind'] | undefined =
          leadsTo !== '' ? 'link' : isFolder(place) ? 'folder' : undefined;
        return Promise.resolve(kind === undefined ? undefined : { kind, leadsTo });
      },
      isEmptyFolder: place => Promise.resolve(has.folders?.[place] === false),
      unpack: (given, replaceFolders) => {
        if (!replaceFolders && given.some(entry => entry.kind !== 'folder' && isFolder(entry.path)))
          return Promise.resolve(false);
        put = given.map(entry => entry.path);
        return Promise.resolve(true);
      },
    },
    entries,
  );
  return { put, leftOut: leftOut.map(entry => entry.path) };
}

describe('an archive is not unpacked', () => {
  it.each([
    ['at a mount', '/workspaces/app', '/workspaces/app'],
    ['in a mount', '/workspaces/app', '/workspaces'],
    ['deep in a mount', '/a/b/c/d', '/a'],
    ['above a mount', '/workspaces', '/workspaces/app/x'],
  ])('%s', async (_, place, target) => {
    const mounts = { [target]: 'bind' } as const;
    for (const entry of [file(place), link(place), link(place, true)])
      expect(await unpack([entry], { mounts })).toEqual({ put: [], leftOut: [place] });
  });
  it('and the mount that is named is the one in which it would land', async () => {
    const at = (target: string): MountedPlace => ({ target, source: '/s', volume: false });
    const unpacker = {
      mounts: () => Promise.resolve([at('/workspace/.git'), at('/workspace')]),
      stat: () => Promise.resolve(undefined),
      isEmptyFolder: () => Promise.resolve(false),
      unpack: () => Promise.resolve(true),
    };
    const [left] = await unpackEntries(unpacker, [link('/workspace', true)]);
    expect(left?.because?.target).toBe('/workspace');
  });
  it('through a link of the image into a mount', async () => {
    const mounts = { '/data': 'bind' } as const;
    const links = { '/workspaces': '/srv', '/srv': 'data/below' };
    expect(await unpack([link('/workspaces/app')], { mounts, links })).toEqual({
      put: [],
      leftOut: ['/workspaces/app'],
    });
  });
  it('over a folder with content', async () => {
    expect(await unpack([link('/opt'), folder('/headjack')], { folders: { '/opt': true } })).toEqual({
      put: ['/headjack'],
      leftOut: ['/opt'],
    });
  });
  it('into a volume that has content, nor as a folder into what is bound', async () => {
    const folders = { '/home/hjk': true };
    expect((await unpack([folder('/home/hjk')], { mounts: { '/home/hjk': 'volume' }, folders })).put).toEqual(
      [],
    );
    expect((await unpack([folder('/home/hjk')], { mounts: { '/home/hjk': 'bind' } })).put).toEqual([]);
    expect((await unpack([folder('/home/hjk')], { mounts: { '/home': 'bind' } })).leftOut).toEqual([
      '/home/hjk',
    ]);
  });
});

describe('an archive is unpacked', () => {
  it('beside mounts, also of a name that begins alike', async () => {
    const mounts = { '/workspace': 'bind', '/etc/hosts': 'bind' } as const;
    const all = [file('/etc/passwd'), link('/workspaces'), folder('/headjack')];
    expect((await unpack(all, { mounts })).put).toEqual(['/etc/passwd', '/workspaces', '/headjack']);
  });
  it('as a folder above a mount, and into a new volume', async () => {
    expect((await unpack([folder('/home/hjk')], { mounts: { '/home/hjk/.cache': 'bind' } })).leftOut).toEqual(
      [],
    );
    const mounts = { '/home/hjk': 'volume' } as const;
    expect((await unpack([folder('/home/hjk')], { mounts, folders: { '/home/hjk': false } })).put).toEqual([
      '/home/hjk',
    ]);
  });
  it('as a folder into a new volume that is mounted in something else', async () => {
    const mounts = { '/w': 'bind', '/w/node_modules': 'volume' } as const;
    const folders = { '/w/node_modules': false };
    expect((await unpack([folder('/w/node_modules')], { mounts, folders })).put).toEqual(['/w/node_modules']);
  });
  it('over an empty folder, and where it is to be over what the image has', async () => {
    const folders = { '/empty': false, '/workspace': true };
    expect(await unpack([link('/empty'), link('/workspace', true)], { folders })).toEqual({
      put: ['/empty', '/workspace'],
      leftOut: [],
    });
  });
  it('where links of the image turn in a circle', async () => {
    const links = { '/a': '/b', '/b': '/a' };
    expect((await unpack([link('/a/x')], { links, mounts: { '/c': 'bind' } })).leftOut).toEqual([]);
  });
});

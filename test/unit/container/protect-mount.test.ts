import { describe, expect, it } from 'vitest';
import { protectMount } from '../../../src/container/protect-mount.ts';

const at = (target: string, readOnly: boolean, source = target) => ({ source, target, readOnly });
const own = [
  at('/w/tree', false),
  at('/w/tree/.git', true, '/state/gitfile'),
  at('/r/.git', false),
  at('/r/.git/config', true),
  at('/r/.git/worktrees', true),
  at('/r/.git/worktrees/tree', false),
];
const protect = (source: string, readOnly = false) => protectMount({ source, target: '/m', readOnly }, own);

describe('what is mounted once more', () => {
  it.each<[string, boolean, [string, string][]]>([
    ['/w/tree', false, [['/state/gitfile', '/m/.git']]],
    ['/w', false, [['/state/gitfile', '/m/tree/.git']]],
    ['/w/tree/src', false, []],
    ['/w/tree/.git', true, []],
    [
      '/r/.git',
      false,
      [
        ['/r/.git/config', '/m/config'],
        ['/r/.git/worktrees', '/m/worktrees'],
      ],
    ],
    [
      '/r',
      false,
      [
        ['/r/.git/config', '/m/.git/config'],
        ['/r/.git/worktrees', '/m/.git/worktrees'],
      ],
    ],
    ['/r/.git/worktrees/tree', false, []],
    ['/r/.git/worktrees/other', true, []],
    ['/elsewhere', false, []],
    ['/w/tree-2', false, []],
  ])('%s', (source, readOnly, masks) => {
    expect(protect(source)).toEqual({
      readOnly,
      masks: masks.map(([from, target]) => ({ source: from, target, readOnly: true })),
    });
  });
  it('read-only has nothing to mask', () => {
    expect(protect('/', true)).toEqual({ readOnly: true, masks: [] });
  });
  it('the root of this machine has every mask', () => {
    expect(protect('/').masks.map(mask => mask.target)).toEqual([
      '/m/w/tree/.git',
      '/m/r/.git/config',
      '/m/r/.git/worktrees',
    ]);
  });
});

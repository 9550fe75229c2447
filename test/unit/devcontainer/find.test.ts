import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWorktree } from '../../../src/devcontainer/branch-files.ts';
import {
  devcontainerName,
  devcontainerPlace,
  findDevcontainer,
} from '../../../src/operations/devcontainer/find.ts';
import { makeFolder } from '../../support/sandbox.ts';

/** Looks for a devcontainer.json in a worktree that has these files, each of which says where it is. */
async function find(
  places: readonly string[],
  wanted?: string,
): Promise<{ image: unknown; files: string[] } | undefined> {
  const root = makeFolder();
  try {
    for (const place of places) {
      fs.mkdirSync(path.join(root, path.dirname(place)), { recursive: true });
      fs.writeFileSync(path.join(root, place), JSON.stringify({ image: place }));
    }
    const found = await findDevcontainer(readWorktree(root), wanted);
    return found && { image: found.config['image'], files: found.content.files.map(f => f.path) };
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
}

const usual = '.devcontainer/devcontainer.json';
const named = (name: string): string => `.devcontainer/${name}/devcontainer.json`;

describe('the devcontainer.json of a branch', () => {
  it.each<[string, readonly string[], string | undefined, string | undefined]>([
    ['there is none', ['other.json', '.devcontainer/x/other.json'], undefined, undefined],
    ['the usual one', [usual, '.devcontainer.json', named('a')], undefined, usual],
    ['the one at the root', ['.devcontainer.json', named('a'), named('b')], undefined, '.devcontainer.json'],
    ['the only one with a name', [named('a')], undefined, named('a')],
    ['one by its name', [usual, named('a'), named('b')], 'b', named('b')],
    ['one by its path', [usual, named('a')], named('a'), named('a')],
    ['one by its folder', [usual, named('a')], './.devcontainer/a/', named('a')],
    [
      'the one at the root by its path',
      [usual, '.devcontainer.json'],
      '.devcontainer.json',
      '.devcontainer.json',
    ],
    ['the usual one by its folder', [usual, named('a')], '.devcontainer', usual],
    ['one elsewhere', [usual, 'tools/dev.json'], 'tools/dev.json', 'tools/dev.json'],
  ])('%s', async (_, places, wanted, expected) => {
    expect((await find(places, wanted))?.image).toBe(expected);
  });
  it('of several with names has to be chosen, and the wanted one to be there', async () => {
    await expect(find([named('b'), named('a')])).rejects.toMatchObject({
      code: 'devcontainer_invalid',
      message: expect.stringMatching(/2 dev containers to choose from: (a, b|b, a)/) as string,
    });
    await expect(find([usual, named('a')], 'x')).rejects.toMatchObject({
      message: expect.stringContaining(named('x')) as string,
      details: ['it has: a'],
    });
  });
  it('comes with everything in the folder for such files, and with no other one', async () => {
    expect((await find([usual, '.devcontainer.json', named('a')], 'a'))?.files.sort()).toEqual([
      named('a'),
      usual,
    ]);
    expect((await find([usual, '.devcontainer.json'], '.devcontainer.json'))?.files.sort()).toEqual([
      '.devcontainer.json',
      usual,
    ]);
  });
  it.each(['', '..', '../x', '/etc/x.json', 'a/../../b'])('is in the branch: not %j', given => {
    expect(() => devcontainerPlace(given)).toThrow(/--devcontainer/);
  });
  it('is named so that it is found again', () => {
    expect([usual, '.devcontainer.json', named('a'), 'tools/dev.json'].map(devcontainerName)).toEqual([
      undefined,
      undefined,
      'a',
      'tools/dev.json',
    ]);
  });
});

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { makeFolder, root } from '../../../support/sandbox.ts';
import { tryEdits, tryState } from './round-trip.ts';
import { makeTemplate, random } from './world.ts';

const folder = fs.existsSync('/dev/shm') ? fs.mkdtempSync('/dev/shm/hjk-test-') : makeFolder();
const template = makeTemplate(path.join(folder, 'template'));
afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

it.each<[string, ...string[]]>([
  ['a submodule that was deinitialised, with a commit'],
  ['a submodule that was removed, with a stash'],
  ['a submodule of another branch, with staged content'],
  ['a submodule with a commit', 'a submodule with changes'],
  ['a file called ".GIT/f"', 'a file called "git~1/f"', 'a file called "git~2"', 'a file called ".git /f"'],
  [
    'a file called ".git::$INDEX_ALLOCATION/f"',
    'a file called "a\\\\.git\\\\b"',
    'a link called .gitmodules',
  ],
  ['a file called "x/.git/note"', 'a file called "hjk%%2egit/f"', 'a tracked name that other systems refuse'],
  ['a clone with stashes', 'a repository with staged content only', 'a clone in the middle of a merge'],
  ['a bare repository where git ignores', 'a repository where git ignores', 'a shallow clone with a commit'],
  ['a clone that borrows from another', 'a clone whose remote is beside it', 'a damaged repository'],
  ['all modes as under another umask', 'a mode of its own', 'a folder with a mode of its own', 'hard links'],
  ['empty folders', "a link in a folder's place", 'local settings', 'what tools fill'],
  ['renamed to another case where case is ignored', 'a case twin where case is ignored'],
  ['autocrlf', 'attributes that convert', 'a sparse checkout'],
])('all of it comes back: %s', async (...chosen) => {
  const outcome = await tryEdits(template, { seed: 1, chosen, pick: random(1) });
  expect(outcome.failures).toEqual([]);
});

it('random states come back as they were, or are refused', async () => {
  const head = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' });
  const seed = Number.parseInt(head.slice(0, 8), 16);
  console.log(`npm run states -- --states 40 --seed ${seed}`);
  for (let i = 0; i < 40; i++) {
    const outcome = await tryState(template, seed + i);
    expect(outcome.failures, `seed ${outcome.seed}: ${outcome.made.join(', ')}`).toEqual([]);
  }
});

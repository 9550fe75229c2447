import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../support/sandbox.ts';

/** The files of src in which a line matches, as `folder/file.ts`. */
function filesWith(pattern: RegExp): string[] {
  const src = path.join(root, 'src');
  return fs
    .readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && pattern.test(fs.readFileSync(path.join(src, name), 'utf8')))
    .sort();
}

it('one module starts git', () => {
  expect(filesWith(/(spawn|exec|run|require|find)\w*\(\s*'git'/i)).toEqual(['git/run-git.ts']);
  expect(filesWith(/from 'simple-git'/)).toEqual(['git/simple-git-repository.ts']);
  expect(filesWith(/binary: requireGit\(/)).toEqual(['git/simple-git-repository.ts']);
});

it('programs are started by one module, and by those few that need another way to', () => {
  expect(filesWith(/childProcess\(\)|node:child_process/)).toEqual([
    'container/registry-auth.ts',
    'devcontainer/program.ts',
    'devcontainer/shim-main.ts',
    'process/by-environment.ts',
    'process/child-process.ts',
    'process/identity.ts',
    'process/run.ts',
    'session/terminal.ts',
  ]);
});

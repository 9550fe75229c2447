import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { git, makeSandbox, sharedGit } from '../../support/sandbox.ts';

it('an instance of the older kind goes on, is told of, and gets a git directory of its own by recreate', async () => {
  await using box = makeSandbox({ config: sharedGit });
  await box.ok('run', 'b');
  const inside = async (script: string): Promise<string> =>
    box.ok('exec', 'b', '--no-mux', 'sh', '-ec', script);
  await inside('git commit -q --allow-empty -m old; echo x >staged; git add staged; echo y >untracked');
  await box.ok('config', 'git.directory', 'own');
  expect((await box.hjk('-v', 'exec', 'b', '--no-mux', 'true')).stderr).toContain('hjk recreate b');
  const found = JSON.parse((await box.hjk('doctor', '--json')).stdout) as {
    ok: boolean;
    findings: { code: string; severity: string; repair: string }[];
  };
  expect(found.findings.filter(f => f.code === 'git-shared')).toMatchObject([
    { severity: 'note', repair: 'give it one of its own: hjk recreate b' },
  ]);
  await box.ok('recreate', 'b', '--yes');
  expect(
    await inside('cat .git; git log -1 --format=%s; git status --porcelain; git reflog | wc -l'),
  ).toMatch(/^gitdir: \/run\/headjack\/git\nold\nA {2}staged\n\?\? untracked\n\s*[1-9]/);
  await inside('git config a.b c; git commit -qm new');
  const { worktree, id } = box.catalog().entries[0]!;
  expect(git(worktree, 'log', '-1', '--format=%s')).toBe('new\n');
  expect(git(worktree, 'status', '--porcelain')).toBe('?? untracked\n');
  const after = JSON.parse((await box.hjk('doctor', '--json')).stdout) as { findings: { code: string }[] };
  expect(after.findings.filter(f => /^(git-shared|mask-lifted)$/.test(f.code))).toEqual([]);
  // once it has one it keeps it, and what is in it
  await inside('git stash -q -u');
  await box.ok('config', 'git.directory', 'shared');
  await box.ok('recreate', 'b', '--yes');
  expect(await inside('git stash list | wc -l; git config a.b')).toMatch(/^\s*1\nc\n$/);
  await box.ok('rm', 'b', '--force');
  expect(fs.existsSync(path.join(box.stateRoot, 'instances', id))).toBe(false);
});

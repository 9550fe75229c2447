import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasChanged } from '../../../src/git-directory/bridge/has-changed.ts';
import { makeTwoSides, type TwoSides } from '../../support/own-git-directory.ts';

const commitInside = (sides: TwoSides, name: string): string =>
  sides.inside(`echo ${name} >${name}; git add ${name}; git commit -qm ${name}; git rev-parse HEAD`);
function commitOnHost(sides: TwoSides, name: string): string {
  fs.writeFileSync(path.join(sides.worktree, name), `${name}\n`);
  sides.host('add', name);
  sides.host('commit', '-qm', name);
  return sides.host('rev-parse', 'HEAD');
}
const statusBoth = (sides: TwoSides): string[] => [
  sides.host('status', '--porcelain'),
  sides.inside('git status --porcelain'),
];

describe('the bridge', () => {
  it('carries a commit made inside to the host, with the index of the worktree, and is quiet afterwards', async () => {
    await using sides = makeTwoSides();
    await sides.pass();
    fs.writeFileSync(path.join(sides.worktree, 'staged-on-host'), 'x\n');
    sides.host('add', 'staged-on-host');
    const tip = commitInside(sides, 'one');
    expect(hasChanged({ ...sides.subject, commonDir: sides.subject.git.commonDir })).toBe(true);
    const report = await sides.pass();
    expect(report.moved).toBe('host');
    expect(sides.tips()).toEqual({ host: tip, inside: tip });
    expect(sides.host('status', '--porcelain')).toBe('A  staged-on-host');
    expect(sides.host('fsck', '--connectivity-only')).toBe('');
    expect(sides.host('reflog', '-1', '--format=%gs', 'feat')).toBe(
      `headjack: from ${sides.subject.instanceId}`,
    );
    expect(hasChanged({ ...sides.subject, commonDir: sides.subject.git.commonDir })).toBe(false);
  });

  it('follows an amend and a rebase inside; the reflog of the host has the old tip', async () => {
    await using sides = makeTwoSides();
    await sides.pass();
    const old = commitInside(sides, 'one');
    await sides.pass();
    sides.inside('git commit -q --amend -m better');
    await sides.pass();
    const { host, inside } = sides.tips();
    expect(host).toBe(inside);
    expect(sides.host('rev-parse', 'feat@{1}')).toBe(old);
    expect(statusBoth(sides)).toEqual(['', '']);
  });

  it('carries a commit made on the host into the container, with its index', async () => {
    await using sides = makeTwoSides();
    await sides.pass();
    sides.inside('echo s >staged; git add staged');
    const tip = commitOnHost(sides, 'host-one');
    const report = await sides.pass();
    expect(report.moved).toBe('inside');
    expect(sides.tips()).toEqual({ host: tip, inside: tip });
    expect(sides.inside('git status --porcelain')).toBe('A  staged');
    expect(hasChanged({ ...sides.subject, commonDir: sides.subject.git.commonDir })).toBe(false);
  });

  it('moves nothing where both sides moved, says so, and is solved by a merge of host/<branch> inside', async () => {
    await using sides = makeTwoSides();
    await sides.pass();
    const host = commitOnHost(sides, 'h');
    const inside = commitInside(sides, 'i');
    const report = await sides.pass();
    expect(report.state.problem?.kind).toBe('both-moved');
    expect(sides.tips()).toEqual({ host, inside });
    expect(sides.host('rev-parse', `refs/headjack/instances/${sides.subject.instanceId}/feat`)).toBe(inside);
    // the files of the other commit are in the worktree already: it is one worktree
    sides.inside('git add -A; git commit -qm all; git merge -q -m merged host/feat');
    const solved = await sides.pass();
    expect(solved.state.problem).toBeNull();
    expect(sides.tips().host).toBe(sides.tips().inside);
    expect(statusBoth(sides)).toEqual(['', '']);
  });

  it('gives branches and tags of the host, and takes those made inside whose names are free', async () => {
    await using sides = makeTwoSides();
    sides.host('branch', 'other', 'main');
    await sides.pass();
    sides.host('tag', 'v1');
    sides.host('branch', '-f', 'other', commitOnHost(sides, 'h'));
    sides.host('branch', 'new-here');
    sides.inside(
      'git branch made-inside; git tag t-inside; git tag main; git branch Main; git update-ref refs/heads/deadbeef HEAD',
    );
    const report = await sides.pass();
    expect(sides.inside('git rev-parse other v1 new-here host/other').split('\n')).toEqual(
      sides.host('rev-parse', 'other', 'v1', 'new-here', 'other').split('\n'),
    );
    expect(report.arrived.toSorted()).toEqual(['refs/heads/made-inside', 'refs/tags/t-inside']);
    expect(report.kept.toSorted()).toEqual(['refs/heads/Main', 'refs/heads/deadbeef', 'refs/tags/main']);
    expect(sides.host('for-each-ref', '--format=%(refname)', 'refs/tags')).toBe(
      'refs/tags/t-inside\nrefs/tags/v1',
    );
  });

  it('moves and deletes no branch of the host but its own', async () => {
    await using sides = makeTwoSides();
    sides.host('branch', 'other', 'main');
    await sides.pass();
    const before = sides.host('rev-parse', 'other', 'main');
    sides.inside(
      'echo x >x; git add x; git commit -qm x; git branch -f other HEAD; git branch -D main; git tag v2',
    );
    await sides.pass();
    expect(sides.host('rev-parse', 'other', 'main')).toBe(before);
    sides.host('branch', '-f', 'other', 'v2');
    await sides.pass();
    expect(sides.host('rev-parse', 'main')).toBe(before.split('\n')[1]);
  });

  it('waits for a git of the user that holds the index, then does what it could not', async () => {
    await using sides = makeTwoSides();
    await sides.pass();
    const lock = path.join(sides.subject.metadata!, 'index.lock');
    fs.writeFileSync(lock, '');
    const before = sides.tips().host;
    const tip = commitInside(sides, 'one');
    const report = await sides.pass();
    expect(report.state.problem?.kind).toBe('host-locked');
    expect(sides.tips().host).toBe(before);
    fs.rmSync(lock);
    await sides.pass();
    expect(sides.tips().host).toBe(tip);
    expect(statusBoth(sides)).toEqual(['', '']);
  });

  it.each(['sha256'] as const)('works in a repository of %s', async format => {
    await using sides = makeTwoSides({ format });
    await sides.pass();
    const tip = commitInside(sides, 'one');
    await sides.pass();
    expect(sides.tips().host).toBe(tip);
    const host = commitOnHost(sides, 'two');
    await sides.pass();
    expect(sides.tips().inside).toBe(host);
    expect(statusBoth(sides)).toEqual(['', '']);
  });

  it('works for an ordinary user inside', async () => {
    await using sides = makeTwoSides({ user: '4343:4343' });
    await sides.pass();
    const tip = commitInside(sides, 'one');
    await sides.pass();
    expect(sides.host('rev-parse', 'feat')).toBe(tip);
  });
});

import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createWorktreeKeeper } from '../../../src/git/keeper.ts';
import { createSimpleGitRepository } from '../../../src/git/simple-git-repository.ts';
import { git, makeRepository } from '../../support/sandbox.ts';
import { makeWorktree, type WorktreeBox } from '../../support/worktree.ts';

const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };
const keeper = createWorktreeKeeper(env);

/** A program that leaves a trace when it runs, whatever it is run as. */
function makeTrap(box: WorktreeBox): { script: string; sprung: () => boolean } {
  const script = path.join(box.folder, 'trap.sh');
  const trace = path.join(box.folder, 'sprung');
  fs.writeFileSync(script, `#!/bin/sh\necho "$@" >>${trace}\ncat\n`, { mode: 0o755 });
  return { script, sprung: () => fs.existsSync(trace) };
}

/** A repository inside the worktree with one commit and one change. */
function makeNested(box: WorktreeBox, attributes = ''): string {
  const nested = path.join(box.tree, 'nested');
  makeRepository(nested);
  fs.writeFileSync(path.join(nested, '.gitattributes'), attributes);
  fs.writeFileSync(path.join(nested, 'file'), 'one\n');
  git(nested, 'add', '.');
  git(nested, 'commit', '-qm', 'Inner');
  fs.writeFileSync(path.join(nested, 'file'), 'two\n');
  return nested;
}

async function lookAndStore(box: WorktreeBox): Promise<readonly string[]> {
  const look = await keeper.look({ ...box.subject, includeIgnored: true });
  if (!look.unknown) await keeper.store(box.subject, look);
  return look.reasons;
}

describe('a filter that a nested repository defines never runs, whatever it is called', () => {
  const named = (name: string): string => `[filter "${name.replaceAll(/["\\]/g, '\\$&')}"]`;
  it.each<[what: string, attribute: string, section: string]>([
    ['plainly', 'evil', named('evil')],
    ['with =', 'a=b', named('a=b')],
    ['with = at the end', 'a=', named('a=')],
    ['with =clean', 'a.clean=x', named('a.clean=x')],
    ['with a dot', 'a.b', named('a.b')],
    ['with a quote', 'a"b', named('a"b')],
    ['with a backslash', 'a\\b', named('a\\b')],
    ['with a bracket', 'a]b', named('a]b')],
    ['nothing at all', '', named('')],
    ['beyond ASCII', 'ä日', named('ä日')],
    ['as the old syntax has it', 'old', '[filter.old]'],
  ])('%s', async (_what, attribute, section) => {
    using box = makeWorktree();
    const { script, sprung } = makeTrap(box);
    const nested = makeNested(box, `file filter=${attribute}\n`);
    const programs = ['clean', 'smudge', 'process'].map(part => `\t${part} = ${script}\n`).join('');
    fs.appendFileSync(path.join(nested, '.git/config'), `${section}\n${programs}\trequired = true\n`);
    git(box.repo, 'status');
    expect(await lookAndStore(box)).toContain('repository nested inside has uncommitted work');
    expect(sprung()).toBe(false);
    expect(() => git(nested, 'diff')).toThrow(); // the trap works
    expect(sprung()).toBe(true);
  });

  it('in bytes that are no UTF-8', async () => {
    using box = makeWorktree();
    const { script, sprung } = makeTrap(box);
    const nested = makeNested(box);
    fs.writeFileSync(path.join(nested, '.gitattributes'), Buffer.from('file filter=\xff\n', 'latin1'));
    fs.appendFileSync(
      path.join(nested, '.git/config'),
      Buffer.from(`[filter "\xff"]\n\tclean = ${script}\n`, 'latin1'),
    );
    expect(await lookAndStore(box)).toContain('repository nested inside has uncommitted work');
    expect(sprung()).toBe(false);
  });

  it('from a file that its configuration includes', async () => {
    using box = makeWorktree();
    const { script, sprung } = makeTrap(box);
    const nested = makeNested(box, 'file filter=a=b\n');
    fs.writeFileSync(path.join(nested, 'more'), `[filter "a=b"]\n\tclean = ${script}\n`);
    git(nested, 'config', 'include.path', '../more');
    await lookAndStore(box);
    expect(sprung()).toBe(false);
  });
});

it.each([
  'core.fsmonitor',
  'core.alternateRefsCommand',
  'core.sshCommand',
  'core.gitProxy',
  'core.askPass',
  'core.editor',
  'core.pager',
  'pager.status',
  'credential.helper',
  'diff.external',
  'diff.evil=x.textconv',
  'diff.evil=x.command',
  'merge.evil=x.driver',
  'gpg.program',
  'alias.status',
])('%s of a nested repository starts no program', async key => {
  using box = makeWorktree();
  const { script, sprung } = makeTrap(box);
  const nested = makeNested(box, '* diff=evil=x merge=evil=x\n');
  git(nested, 'config', key, script);
  expect(await lookAndStore(box)).toContain('repository nested inside has uncommitted work');
  expect(sprung()).toBe(false);
});

describe('a nested repository that poses as a partial clone fetches nothing', () => {
  it.each<[string, (script: string) => Record<string, string>]>([
    ['by uploadpack', script => ({ 'remote.origin.uploadpack': script, 'remote.origin.url': '.' })],
    ['by ext::', script => ({ 'remote.origin.url': `ext::${script}`, 'protocol.ext.allow': 'always' })],
    ['by ssh', script => ({ 'remote.origin.url': 'ssh://x/y', 'core.sshCommand': script })],
    ['by git and a proxy', script => ({ 'remote.origin.url': 'git://127.0.0.1/y', 'core.gitProxy': script })],
    [
      'by a file of its own',
      () => ({ 'remote.origin.url': 'file:///nonexistent', 'protocol.allow': 'always' }),
    ],
  ])('%s', async (_what, settings) => {
    using box = makeWorktree();
    const { script, sprung } = makeTrap(box);
    const nested = makeNested(box);
    const tree = git(nested, 'rev-parse', 'HEAD^{tree}').trim();
    const partial = {
      'core.repositoryFormatVersion': '1',
      'extensions.partialClone': 'origin',
      'remote.origin.promisor': 'true',
      'remote.origin.partialCloneFilter': 'blob:none',
    };
    for (const [key, value] of Object.entries({ ...partial, ...settings(script) }))
      git(nested, 'config', key, value);
    fs.rmSync(path.join(nested, '.git/objects', tree.slice(0, 2), tree.slice(2)));
    expect(await lookAndStore(box)).toEqual([expect.stringContaining('could not tell')]);
    expect(sprung()).toBe(false);
  });
});

it('a partial clone of the user’s own gets what a new worktree lacks', async () => {
  using box = makeWorktree();
  git(box.repo, 'config', 'uploadpack.allowFilter', 'true');
  const clone = path.join(box.folder, 'clone');
  git(box.folder, 'clone', '-q', '--no-checkout', '--filter=blob:none', `file://${box.repo}`, clone);
  const repository = createSimpleGitRepository(
    { root: clone, commonDir: path.join(clone, '.git'), bare: false },
    env,
  );
  const worktree = path.join(box.folder, 'trees', 'c');
  await repository.addWorktree(worktree, 'c', await repository.planBranch('c', undefined));
  expect(fs.readFileSync(path.join(worktree, 'README.md'), 'utf8')).toBe('# project\n');
  const subject = { ...box.subject, commonDir: path.join(clone, '.git'), worktree, branch: 'c' };
  const metadata = keeper.findMetadata(subject.commonDir, worktree)!;
  keeper.lock(metadata, 'headjack aaaaaaaa');
  expect((await keeper.look(subject)).reasons).toEqual([]);
});

it('what replaces the commit of a branch hides no work', async () => {
  using box = makeWorktree();
  fs.writeFileSync(path.join(box.tree, 'README.md'), 'changed\n');
  git(box.tree, 'add', '.');
  const tree = git(box.tree, 'write-tree').trim();
  const other = git(box.tree, 'commit-tree', '-m', 'x', tree).trim();
  git(box.tree, 'replace', 'HEAD', other);
  expect(git(box.tree, 'status', '--porcelain')).toBe('');
  expect((await keeper.look(box.subject)).reasons).toEqual(['uncommitted: README.md']);
});

it('history that only a graft or a replacing ref makes up keeps no commit reachable', async () => {
  using box = makeWorktree();
  fs.writeFileSync(path.join(box.tree, 'new'), 'x\n');
  git(box.tree, 'add', '.');
  git(box.tree, 'commit', '-qm', 'Only here');
  const tip = git(box.tree, 'rev-parse', 'HEAD').trim();
  git(box.repo, 'replace', '--graft', 'main', tip);
  fs.writeFileSync(
    path.join(box.repo, '.git/info/grafts'),
    `${git(box.repo, 'rev-parse', 'main').trim()} ${tip}\n`,
  );
  const look = await keeper.look({ ...box.subject, deleteBranch: true });
  expect(look.reasons).toEqual(['1 commit of branch b on no other branch, tag or remote']);
});

it('variables of the caller reach no git: only those of a list do', async () => {
  using box = makeWorktree();
  const { script, sprung } = makeTrap(box);
  const hostile = {
    ...env,
    GIT_DIR: '/nonexistent',
    GIT_INDEX_FILE: '/nonexistent/index',
    GIT_TRACE: path.join(box.folder, 'trace'),
    GIT_EXTERNAL_DIFF: script,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'core.fsmonitor',
    GIT_CONFIG_VALUE_0: script,
    GIT_CONFIG_PARAMETERS: `'core.fsmonitor=${script}'`,
    LD_PRELOAD: '/nonexistent.so',
    PERL5OPT: '-Mnothing',
  };
  const look = await createWorktreeKeeper(hostile).look(box.subject);
  expect(look.reasons).toEqual([]);
  expect(sprung()).toBe(false);
  expect(fs.existsSync(hostile.GIT_TRACE)).toBe(false);
});

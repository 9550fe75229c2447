import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildTestImage,
  docker,
  ended,
  git,
  makeSandbox,
  testImage,
  until,
  type Sandbox,
} from '../../support/sandbox.ts';

const late = 'hjk-test:late-failure';
beforeAll(() => {
  // it never runs what it is given, and ends a while after it began
  buildTestImage(
    late,
    `FROM ${testImage}\nUSER root\nRUN printf '#!/bin/sh\\nsleep 1\\nexit 1\\n' >/late && chmod 755 /late\n`,
  );
});
afterAll(() => {
  docker('rmi', '-f', late);
});

/** Runs what fails late, and acts once its worktree is there and its container started. */
async function meanwhile(
  box: Sandbox,
  act: (worktree: string) => void,
  interrupt = false,
): Promise<{ code: number; stderr: string; worktree: string }> {
  const child = box.spawn(['run', 'x', '--image', late, '--', '--entrypoint', '/late']);
  const done = ended(child);
  const started = (): boolean =>
    fs.existsSync(path.join(box.stateRoot, 'catalog.json')) && box.catalog().entries[0]?.container_id !== '';
  await until('a container', () => started() && box.catalog().entries.length === 1);
  const { worktree } = box.catalog().entries[0]!;
  act(worktree);
  if (interrupt) child.kill('SIGINT');
  return { ...(await done), worktree };
}

describe('a run that fails late', () => {
  it('removes what it made where nobody wrote to it', async () => {
    await using box = makeSandbox();
    const { code, worktree } = await meanwhile(box, () => undefined);
    expect(code).toBe(7);
    expect(box.catalog().entries).toEqual([]);
    expect(fs.existsSync(worktree)).toBe(false);
    expect(box.git('branch', '--list', 'x')).toBe('');
    expect(box.git('worktree', 'list').trim().split('\n')).toHaveLength(1);
    expect(fs.readdirSync(path.join(box.stateRoot, 'instances'))).toEqual([]);
  });

  it.each<[string, (worktree: string) => void, string]>([
    [
      'a new file',
      at => {
        fs.writeFileSync(path.join(at, 'new'), 'mine');
      },
      'untracked: new',
    ],
    [
      'an ignored file',
      at => {
        fs.writeFileSync(path.join(at, '.env'), 'mine');
      },
      'ignored: .env',
    ],
    [
      'a commit',
      at => {
        git(at, 'commit', '-q', '--allow-empty', '-m', 'mine');
      },
      '',
    ],
    [
      'a commit on a branch of its own',
      at => {
        git(at, 'switch', '-q', '-c', 'y');
      },
      '',
    ],
    [
      'a nested repository',
      at => {
        git(at, 'init', '-q', 'sub');
        git(`${at}/sub`, 'commit', '-q', '--allow-empty', '-m', 'x');
      },
      'sub',
    ],
  ])('keeps the instance, with error, where somebody made %s meanwhile', async (_what, act, said) => {
    await using box = makeSandbox();
    fs.writeFileSync(path.join(box.repository, '.git/info/exclude'), '.env\n');
    const { code, stderr, worktree } = await meanwhile(box, act);
    expect(code).toBe(7);
    expect(stderr).toContain('the instance stays');
    expect(stderr).toContain(said);
    expect(stderr).toContain('hjk rm x');
    expect(box.catalog().entries).toMatchObject([{ branch: 'x', status: 'error', worktree }]);
    expect(box.catalog().entries[0]!.operation).toBeUndefined();
    const state = (): string =>
      git(worktree, 'status', '--porcelain', '--ignored') + git(worktree, 'log', '--format=%s', '-1');
    expect(state()).toMatch(/new|\.env|README|mine|sub|First/);
    await box.ok('rm', 'x', '--force');
    expect(box.catalog().entries).toEqual([]);
  });

  it('keeps it at Ctrl-C too', async () => {
    await using box = makeSandbox();
    const put = (at: string): void => {
      fs.writeFileSync(path.join(at, 'new'), 'mine');
    };
    const { code, stderr, worktree } = await meanwhile(box, put, true);
    expect(code).toBe(130);
    expect(stderr).toContain('the instance stays');
    expect(fs.readFileSync(path.join(worktree, 'new'), 'utf8')).toBe('mine');
    // the next attempt goes on with it
    expect((await box.hjk('run', 'x')).code).toBe(7);
    expect(fs.readFileSync(path.join(worktree, 'new'), 'utf8')).toBe('mine');
  });
});

describe('a run that was killed', () => {
  it.each([
    ['an ignored file', '.env'],
    ['a new file', 'new'],
  ])('the next one does not make the worktree anew over %s', async (_what, name) => {
    await using box = makeSandbox();
    fs.writeFileSync(path.join(box.repository, '.git/info/exclude'), '.env\n');
    await box.ok('run', 'x');
    const { worktree, container_id } = box.catalog().entries[0]!;
    docker('rm', '-f', container_id);
    const catalog = box.catalog();
    Object.assign(catalog.entries[0]!, {
      status: 'creating',
      container_id: '',
      operation: {
        id: 'dead',
        kind: 'run',
        pid: 1,
        pid_start: '1',
        boot_id: '00000000-0000-0000-0000-000000000000',
        pid_ns: 'x',
        since: '2026-01-01T00:00:00Z',
      },
    });
    fs.writeFileSync(path.join(box.stateRoot, 'catalog.json'), JSON.stringify(catalog));
    fs.writeFileSync(path.join(worktree, name), 'mine');
    expect(await box.hjk('run', 'x')).toMatchObject({ code: 5 });
    expect(fs.readFileSync(path.join(worktree, name), 'utf8')).toBe('mine');
    fs.rmSync(path.join(worktree, name));
    await box.ok('run', 'x');
  });
});

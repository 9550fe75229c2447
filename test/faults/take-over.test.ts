import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  docker,
  ended,
  limitsWork,
  makeSandbox,
  ownerOf,
  until,
  type Ran,
  type Sandbox,
} from '../support/sandbox.ts';

const entry = (box: Sandbox): ReturnType<Sandbox['catalog']>['entries'][number] => box.catalog().entries[0]!;

/** Starts a verb, waits until `at` holds, and kills it. The verb is slowed down by a session that ignores TERM for 2 s. */
async function killAt(box: Sandbox, args: string[], at: () => boolean): Promise<void> {
  const child = box.spawn(args);
  const over = ended(child);
  await until(`${args.join(' ')} is where it is to be killed`, () => {
    try {
      return at();
    } catch {
      return false;
    }
  });
  child.kill('SIGKILL');
  await over;
}
const stubborn = ['-d', '-n', 'stubborn', 'sh', '-c', 'trap "" TERM HUP; echo up; while :; do sleep 1; done'];

async function deadRun(box: Sandbox): Promise<void> {
  await killAt(
    box,
    ['run', 'x'],
    () => entry(box).operation !== undefined && fs.existsSync(path.join(entry(box).worktree, '.git')),
  );
}
async function deadStop(box: Sandbox): Promise<void> {
  await box.ok('run', 'x');
  await box.ok('exec', 'x', ...stubborn);
  await killAt(box, ['stop', 'x'], () => entry(box).operation?.kind === 'stop');
}
async function deadRm(box: Sandbox): Promise<void> {
  await box.ok('run', 'x');
  await box.ok('exec', 'x', ...stubborn);
  await killAt(box, ['rm', 'x', '--yes'], () => entry(box).operation?.kind === 'rm');
}
/** Killed just after the commit from which on a removal is only ever finished: made by hand from a dead `rm`. */
async function deadRmDeleting(box: Sandbox): Promise<void> {
  await deadRm(box);
  const file = path.join(box.stateRoot, 'catalog.json');
  const catalog = box.catalog();
  catalog.entries[0]!.operation!.deleting = { snapshot: '' };
  fs.writeFileSync(file, JSON.stringify(catalog));
}

const outcomes: [
  string,
  (box: Sandbox) => Promise<void>,
  Record<string, { code: number; after: string; hint?: string }>,
][] = [
  [
    'run',
    deadRun,
    {
      run: { code: 0, after: 'running' },
      stop: { code: 4, after: 'error', hint: 'hjk run x' },
      rm: { code: 0, after: 'gone' },
      exec: { code: 0, after: 'running' },
    },
  ],
  [
    'stop',
    deadStop,
    {
      run: { code: 0, after: 'running' },
      stop: { code: 0, after: 'stopped' },
      rm: { code: 0, after: 'gone' },
      exec: { code: 0, after: 'running' },
    },
  ],
  [
    'rm before deleting',
    deadRm,
    {
      run: { code: 0, after: 'running' },
      stop: { code: 0, after: 'stopped' },
      rm: { code: 0, after: 'gone' },
      exec: { code: 4, after: 'running', hint: 'hjk run x' },
    },
  ],
  [
    'rm after deleting',
    deadRmDeleting,
    {
      run: { code: 0, after: 'running' },
      stop: { code: 4, after: 'running', hint: 'hjk rm x' },
      rm: { code: 0, after: 'gone' },
      exec: { code: 4, after: 'running', hint: 'hjk rm x' },
    },
  ],
];
const verbs: Record<string, string[]> = {
  run: ['run', 'x'],
  stop: ['stop', 'x'],
  rm: ['rm', 'x', '--yes'],
  exec: ['exec', 'x', '-d', 'true'],
};

describe('what a killed verb left is finished by the next command (lifecycle, taking over)', () => {
  const rows = outcomes.flatMap(([dead, prepare, table]) =>
    Object.entries(table).map(([verb, wanted]) => [dead, verb, prepare, wanted] as const),
  );
  it.each(rows)('a dead %s, then %s', async (dead, verb, prepare, wanted) => {
    await using box = makeSandbox();
    await prepare(box);
    const ran: Ran = await box.hjk(...verbs[verb]!);
    // killed early, a run has decided nothing yet that exec could finish
    if (dead === 'run' && verb === 'exec' && ran.code !== 0) expect(ran).toMatchObject({ code: 4 });
    else
      expect({ code: ran.code, stderr: ran.stderr }).toEqual({
        code: wanted.code,
        stderr: wanted.code === 0 ? '' : (expect.stringContaining(wanted.hint ?? 'hint') as string),
      });
    if (wanted.after === 'gone') expect(box.catalog().entries).toEqual([]);
    else if (wanted.code === 0) {
      expect(entry(box).status).toBe(wanted.after);
      expect(entry(box).operation).toBeUndefined();
    }
    // whatever happened, run brings a whole instance and rm takes everything away
    await box.ok('run', 'x');
    expect(await box.ok('exec', 'x', '--no-mux', 'git', 'status', '--short')).toBe('');
    await box.ok('rm', 'x', '--yes', '--force');
    expect(box.git('worktree', 'list').trim().split('\n')).toHaveLength(1);
    expect(
      docker(
        'ps',
        '-aq',
        '--filter',
        `label=dev.headjack.owner=${ownerOf(path.join(box.stateRoot, 'catalog.json'))}`,
      ),
    ).toBe('');
  });
});

describe('run, killed at moments spread over its whole length', () => {
  it.each(Array.from({ length: 12 }, (_, i) => 60 + i * 60))('after %d ms', async delay => {
    await using box = makeSandbox();
    const child = box.spawn(['run', 'x']);
    const over = ended(child);
    await new Promise(resolve => setTimeout(resolve, delay));
    child.kill('SIGKILL');
    await over;
    await box.ok('run', 'x');
    expect(
      await box.ok('exec', 'x', '--no-mux', 'sh', '-c', 'git status --short && git log --oneline'),
    ).toContain('First commit');
    await box.ok('rm', 'x', '--yes');
    expect(
      docker(
        'ps',
        '-aq',
        '--filter',
        `label=dev.headjack.owner=${ownerOf(path.join(box.stateRoot, 'catalog.json'))}`,
      ),
    ).toBe('');
    expect(fs.readdirSync(box.stateRoot).filter(name => name.startsWith('catalog.json.'))).toEqual([]);
  });
});

describe('rm, killed at moments spread over its whole length, loses nothing', () => {
  it.each(Array.from({ length: 12 }, (_, i) => 60 + i * 60))('after %d ms', async delay => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const { worktree, id } = entry(box);
    fs.writeFileSync(path.join(worktree, 'precious'), 'work\n');
    const child = box.spawn(['rm', 'x', '--force']);
    const over = ended(child);
    await new Promise(resolve => setTimeout(resolve, delay));
    child.kill('SIGKILL');
    await over;
    const stored = (): boolean =>
      box
        .git('for-each-ref', '--format=%(refname)', `refs/headjack/snapshots`)
        .split('\n')
        .filter(Boolean)
        .some(ref => {
          try {
            return box.git('show', `${ref}:precious`) === 'work\n';
          } catch {
            return false;
          }
        });
    const there = [worktree, `${worktree}.hjk-removing-${id}`].some(place =>
      fs.existsSync(path.join(place, 'precious')),
    );
    expect(stored() || there).toBe(true);
    if (box.catalog().entries.length > 0) await box.ok('rm', 'x', '--force');
    expect(stored()).toBe(true);
    expect(fs.existsSync(worktree)).toBe(false);
    expect(box.git('worktree', 'list').trim().split('\n')).toHaveLength(1);
  });
});

it('work that appears while rm stops the sessions is not lost: rm refuses and keeps the instance', async () => {
  await using box = makeSandbox();
  await box.ok('run', 'x');
  await box.ok(
    'exec',
    'x',
    '-d',
    '-n',
    's',
    'sh',
    '-c',
    'trap "echo saved > at-the-last-moment; exit" TERM; echo up; while :; do sleep 0.05; done',
  );
  await until('up', async () => (await box.ok('logs', 'x', 's')).includes('up'));
  const ran = await box.hjk('rm', 'x', '--yes');
  expect(ran).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('untracked: at-the-last-moment') as string,
  });
  expect(entry(box)).toMatchObject({ status: 'stopped' });
  expect(entry(box).operation).toBeUndefined();
  expect(fs.readFileSync(path.join(entry(box).worktree, 'at-the-last-moment'), 'utf8')).toBe('saved\n');
});

it('a run that is interrupted removes what it made', async () => {
  await using box = makeSandbox();
  const child = box.spawn(['run', 'x']);
  const over = ended(child);
  await until(
    'the worktree is made',
    () =>
      fs.existsSync(path.join(box.stateRoot, 'catalog.json')) &&
      box.catalog().entries.length === 1 &&
      fs.existsSync(entry(box).worktree),
  );
  child.kill('SIGINT');
  const { code } = await over;
  if (code === 0) return; // it was through already
  expect(code).toBe(130);
  expect(box.catalog().entries).toEqual([]);
  expect(box.git('branch', '--list', 'x')).toBe('');
  expect(box.git('worktree', 'list').trim().split('\n')).toHaveLength(1);
});

it('a container that was removed by hand is made again from what the instance was made of', async () => {
  await using box = makeSandbox();
  await box.ok('run', 'x', '-m', '64m', '-e', 'KEPT=yes');
  docker('rm', '-f', entry(box).container_id);
  expect(await box.ok('ps')).toMatch(/x +stopped/);
  expect(await box.ok('exec', 'x', '--no-mux', 'sh', '-c', 'echo $KEPT')).toBe('yes\n');
  const memory = docker('inspect', '-f', '{{.HostConfig.Memory}}', entry(box).container_id).trim();
  expect(memory).toBe(limitsWork() ? String(64 * 1024 ** 2) : '0');
});

it('a worktree that was deleted by hand is told, and rm takes the rest away', async () => {
  await using box = makeSandbox();
  await box.ok('run', 'x');
  fs.rmSync(entry(box).worktree, { recursive: true });
  for (const args of [
    ['run', 'x'],
    ['exec', 'x', '-d', 'ls'],
  ]) {
    expect(await box.hjk(...args)).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/is gone[\s\S]*hjk rm x/) as string,
    });
  }
  await box.ok('rm', 'x', '--yes');
  expect(box.git('worktree', 'list').trim().split('\n')).toHaveLength(1);
  await box.ok('run', 'x');
});

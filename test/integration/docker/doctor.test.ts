import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ownPidSpace } from '../../../src/process/identity.ts';
import {
  docker,
  ended,
  git,
  hostVariable,
  makeSandbox,
  ownerOf,
  until,
  type Sandbox,
} from '../../support/sandbox.ts';

interface Finding {
  code: string;
  state: string;
  subject: string;
  id: string;
  choices: string[];
  automatic: boolean;
  risk: string;
}
async function doctor(box: Sandbox, ...args: string[]): Promise<{ code: number; findings: Finding[] }> {
  const ran = await box.hjk('doctor', '--json', ...args);
  const { findings } = JSON.parse(ran.stdout) as { findings: Finding[] };
  return { code: ran.code, findings: findings.filter(f => f.code !== 'disk-low') };
}
const codes = (findings: Finding[], state = 'open'): string[] =>
  findings.filter(f => f.state === state).map(f => f.code);
const own = (box: Sandbox): string[] =>
  docker(
    'ps',
    '-aq',
    '--no-trunc',
    '--filter',
    `label=dev.headjack.owner=${ownerOf(`${box.stateRoot}/catalog.json`)}`,
  )
    .split('\n')
    .filter(Boolean);
const write = (box: Sandbox, change: (entries: Record<string, unknown>[]) => unknown): void => {
  const file = path.join(box.stateRoot, 'catalog.json');
  const catalog = JSON.parse(fs.readFileSync(file, 'utf8')) as { entries: Record<string, unknown>[] };
  catalog.entries = (change(catalog.entries) as Record<string, unknown>[] | undefined) ?? catalog.entries;
  fs.writeFileSync(file, JSON.stringify(catalog));
};
const tree = (box: Sandbox, at = 0): string => box.catalog().entries[at]!.worktree;

describe('where all is in order', () => {
  it('says so, writes nothing and ends with 0', async () => {
    await using box = makeSandbox();
    expect(await doctor(box)).toEqual({ code: 0, findings: [] });
    expect(fs.existsSync(box.stateRoot)).toBe(false);
    await box.ok('run', 'x');
    await box.ok('exec', 'x', '-d', 'sleep', '100');
    const before = fs.readFileSync(path.join(box.stateRoot, 'catalog.json'), 'utf8');
    expect(await doctor(box, '--fix')).toEqual({ code: 0, findings: [] });
    expect(fs.readFileSync(path.join(box.stateRoot, 'catalog.json'), 'utf8')).toBe(before);
    expect((await box.hjk('doctor')).stdout).not.toContain('problem');
  });
});

describe('what differs is recorded', () => {
  it('a container stopped or removed behind our back; --dry-run does nothing', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    docker('stop', '-t', '1', ...own(box));
    expect(await doctor(box)).toMatchObject({
      code: 5,
      findings: [{ code: 'status-differs', automatic: true }],
    });
    const dry = await doctor(box, '--fix', '--dry-run');
    expect(codes(dry.findings, 'planned')).toEqual(['status-differs']);
    expect(box.catalog().entries[0]).toMatchObject({ status: 'running' });
    expect(await doctor(box, '--fix')).toMatchObject({ code: 0, findings: [{ state: 'fixed' }] });
    expect(box.catalog().entries[0]).toMatchObject({ status: 'stopped' });
    await box.ok('run', 'x');
    docker('rm', '-f', ...own(box));
    expect(codes((await doctor(box)).findings)).toEqual(['container-gone']);
    expect((await doctor(box, '--fix')).code).toBe(0);
    await box.ok('run', 'x');
    expect(own(box)).toHaveLength(1);
    expect((await doctor(box)).findings).toEqual([]);
  });
  it('a missing lock of the worktree is put back', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    box.git('worktree', 'unlock', tree(box));
    expect(codes((await doctor(box)).findings)).toEqual(['worktree-unlocked']);
    expect((await doctor(box, '--fix')).code).toBe(0);
    expect(box.git('worktree', 'list', '--porcelain')).toContain(
      `locked headjack ${box.catalog().entries[0]!.id}`,
    );
  });
});

describe('what could lose work waits for the user', () => {
  it('a worktree deleted by hand', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    fs.rmSync(tree(box), { recursive: true });
    const found = await doctor(box, '--fix');
    expect(found).toMatchObject({
      code: 5,
      findings: [{ code: 'worktree-gone', automatic: false, state: 'open' }],
    });
    expect(box.catalog().entries).toHaveLength(1);
    await box.ok('rm', 'x', '--force');
    expect((await doctor(box)).findings).toEqual([]);
  });
  it('a lost catalog: orphans are adopted with their sessions and their work', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    await box.ok('exec', 'x', '-d', '-n', 's', 'sleep', '1000');
    const [entry] = box.catalog().entries;
    fs.writeFileSync(path.join(entry!.worktree, 'work'), 'mine');
    write(box, () => []);
    const found = await doctor(box, '--fix');
    expect(found.code).toBe(5);
    expect(found.findings).toMatchObject([
      {
        code: 'instance-orphan',
        id: entry!.id,
        choices: ['adopt', 'remove'],
        state: 'open',
        risk: 'deletes files',
      },
    ]);
    expect(own(box)).toHaveLength(1);
    expect(await doctor(box, '--fix', '--adopt', entry!.id)).toMatchObject({ code: 0 });
    expect(box.catalog().entries).toMatchObject([
      {
        id: entry!.id,
        branch: 'x',
        worktree: entry!.worktree,
        container_id: entry!.container_id,
        status: 'running',
      },
    ]);
    expect(JSON.parse(await box.ok('ps', '--json'))).toMatchObject({
      instances: [{ sessions: [{ name: 's', state: 'detached' }] }],
    });
    expect(fs.readFileSync(path.join(entry!.worktree, 'work'), 'utf8')).toBe('mine');
    await box.ok('kill', 'x/s');
  });
  it('an orphan is removed as rm --force does it: its work is stored', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const [entry] = box.catalog().entries;
    fs.writeFileSync(path.join(entry!.worktree, 'work'), 'mine');
    write(box, () => []);
    expect(await doctor(box, '--fix', '--remove', entry!.id)).toMatchObject({ code: 0 });
    expect(own(box)).toEqual([]);
    expect(fs.existsSync(entry!.worktree)).toBe(false);
    expect(fs.existsSync(path.join(box.stateRoot, 'instances', entry!.id))).toBe(false);
    await box.ok('restore', 'x');
    expect(fs.readFileSync(path.join(tree(box), 'work'), 'utf8')).toBe('mine');
  });
  it('an id that nothing has is a usage error; a choice needs --fix', async () => {
    await using box = makeSandbox();
    expect(await box.hjk('doctor', '--fix', '--remove', 'cafecafe')).toMatchObject({ code: 2 });
    expect(await box.hjk('doctor', '--adopt', 'cafecafe')).toMatchObject({ code: 2 });
  });
});

describe('what belongs to others is never seen', () => {
  it('two state roots on one engine and one repository', async () => {
    await using a = makeSandbox();
    await a.ok('run', 'x');
    const home = path.join(a.folder, 'other-home');
    fs.mkdirSync(home);
    const env = { ...a.env, HOME: home };
    const other = a.spawn(['run', 'y'], { env });
    expect((await ended(other)).code).toBe(0);
    expect(await doctor(a)).toEqual({ code: 0, findings: [] });
    fs.rmSync(path.join(home, '.local/share/headjack/catalog.json'));
    expect(await doctor(a, '--fix')).toEqual({ code: 0, findings: [] });
    const left = await ended(a.spawn(['doctor', '--json'], { env }));
    const [orphan] = (JSON.parse(left.stdout) as { findings: Finding[] }).findings.filter(
      f => f.code !== 'disk-low',
    );
    expect(orphan).toMatchObject({ code: 'instance-orphan', subject: 'y' });
    const gone = await ended(a.spawn(['doctor', '--fix', '--remove', orphan!.id, '--json'], { env }));
    expect(gone.code).toBe(0);
    expect(a.catalog().entries).toHaveLength(1);
    expect(fs.existsSync(tree(a))).toBe(true);
    expect(own(a)).toHaveLength(1);
  });
  it('a worktree and a container of the user’s own stay', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const mine = path.join(box.stateRoot, 'git', 'mine');
    git(box.repository, 'worktree', 'add', '-q', '-b', 'mine', mine);
    const id = docker(
      'create',
      '--label',
      'dev.headjack.owner=ffffffffffff',
      '--label',
      'dev.headjack.instance=cafecafe',
      'hjk-test:base',
      'true',
    ).trim();
    try {
      expect(await doctor(box, '--fix')).toEqual({ code: 0, findings: [] });
      expect(fs.existsSync(mine)).toBe(true);
      expect(docker('ps', '-aq', '--no-trunc')).toContain(id);
    } finally {
      docker('rm', '-f', id);
    }
  });
});

describe('what killed processes leave', () => {
  it('a program of exec --no-mux is ended', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const child = box.spawn(['exec', 'x', '--no-mux', 'sh', '-c', 'echo up; exec sleep 4711']);
    const over = ended(child);
    await until('it runs', () => docker('top', own(box)[0]!).includes('sleep 4711'));
    expect((await doctor(box)).findings).toEqual([]);
    child.kill('SIGKILL');
    await over;
    const found = await doctor(box, '--fix');
    expect(found).toMatchObject({ code: 0, findings: [{ code: 'plain-left', state: 'fixed' }] });
    expect(docker('top', own(box)[0]!)).not.toContain('sleep 4711');
    expect((await doctor(box)).findings).toEqual([]);
  });
  it('a session whose pump died is named, and ended where the user says so', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    await box.ok('exec', 'x', '-d', '-n', 's', 'sleep', '4712');
    const { id } = box.catalog().entries[0]!;
    const [session] = box.catalog().entries[0]!.sessions;
    const record = JSON.parse(
      fs.readFileSync(path.join(box.stateRoot, 'instances', id, `${session!.id}.json`), 'utf8'),
    ) as { pump: { pid: number } };
    process.kill(record.pump.pid, 'SIGKILL');
    await until('it is lost', async () => codes((await doctor(box)).findings).includes('session-lost'));
    expect(await doctor(box, '--fix')).toMatchObject({ code: 5 });
    expect(docker('top', own(box)[0]!)).toContain('sleep 4712');
    expect(await doctor(box, '--fix', '--remove', session!.id)).toMatchObject({ code: 0 });
    expect(docker('top', own(box)[0]!)).not.toContain('sleep 4712');
    expect(box.catalog().entries[0]!.sessions).toEqual([]);
  });
  it('files, terminals, temp files, markers and orders go; logs wait', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const { id } = box.catalog().entries[0]!;
    const folder = path.join(box.stateRoot, 'instances', id);
    const space = ownPidSpace();
    fs.mkdirSync(path.join(box.stateRoot, 'instances', 'cafecafe'));
    fs.mkdirSync(path.join(box.stateRoot, 'logs', 'cafecaff'), { recursive: true, mode: 0o700 });
    fs.writeFileSync(path.join(box.stateRoot, 'logs', 'cafecaff', 'ab.log'), 'x');
    fs.writeFileSync(path.join(folder, `env.4194303-1-${space}.00000000.tmp`), 'x');
    fs.writeFileSync(path.join(folder, 'dead.start'), '{"env":["SECRET=x"]}');
    fs.writeFileSync(path.join(box.stateRoot, `catalog.json.r-4194303.1.${space}.x.ps`), '');
    const found = await doctor(box, '--fix');
    expect(codes(found.findings, 'fixed').sort()).toEqual([
      'files-left',
      'lock-stale',
      'order-left',
      'temp-left',
    ]);
    expect(codes(found.findings)).toEqual(['files-left']);
    expect(await doctor(box, '--fix', '--remove', 'cafecaff')).toMatchObject({ code: 0 });
    expect(fs.readdirSync(folder).filter(name => /tmp$|start$/.test(name))).toEqual([]);
  });
});

describe('the installation', () => {
  it('an engine that does not answer is exit 7, and nothing is touched', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const before = fs.readFileSync(path.join(box.stateRoot, 'catalog.json'), 'utf8');
    const ran = await ended(
      box.spawn(['doctor', '--fix', '--json'], {
        env: { ...box.env, [hostVariable]: 'unix:///nonexistent.sock' },
      }),
    );
    expect(ran.code).toBe(7);
    expect(ran.stdout).toContain('engine-unusable');
    expect(fs.readFileSync(path.join(box.stateRoot, 'catalog.json'), 'utf8')).toBe(before);
  });
  it('git or tmux missing, an image missing, open folders', async () => {
    await using box = makeSandbox({ env: { HEADJACK_BASE_IMAGE: 'no/such:image' } });
    fs.mkdirSync(box.stateRoot, { recursive: true });
    fs.chmodSync(box.stateRoot, 0o755);
    const found = await doctor(box);
    expect(codes(found.findings).sort()).toEqual(['folder-open', 'image-missing']);
    expect(await doctor(box, '--fix')).toMatchObject({ code: 0 });
    expect(fs.statSync(box.stateRoot).mode & 0o777).toBe(0o700);
    const bin = path.join(box.folder, 'bin');
    fs.mkdirSync(bin);
    for (const name of ['node', 'sh'])
      fs.symlinkSync(name === 'sh' ? '/bin/sh' : process.execPath, path.join(bin, name));
    const bare = await ended(box.spawn(['doctor', '--json'], { env: { ...box.env, PATH: bin } }));
    expect(bare.code).toBe(7);
    expect(bare.stdout).toContain('git-unusable');
    expect(bare.stdout).toContain('tmux-unusable');
  });
  it('a damaged catalog is exit 9, named, and left as it is', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'x');
    const file = path.join(box.stateRoot, 'catalog.json');
    const whole = fs.readFileSync(file, 'utf8');
    fs.writeFileSync(file, whole.slice(0, 40));
    const found = await doctor(box, '--fix');
    expect(found).toMatchObject({ code: 9, findings: [{ code: 'catalog-unusable', state: 'open' }] });
    expect(fs.readFileSync(file, 'utf8')).toBe(whole.slice(0, 40));
    fs.writeFileSync(file, whole);
  });
});

it('a catalog that points elsewhere deletes nothing there', async () => {
  await using box = makeSandbox();
  await box.ok('run', 'x');
  const victim = path.join(box.folder, 'victim');
  fs.mkdirSync(victim);
  fs.writeFileSync(path.join(victim, 'file'), 'x');
  write(box, entries => {
    entries.push({
      ...entries[0],
      id: 'deadbeef',
      branch: 'evil',
      worktree: victim,
      container_id: '',
      status: 'creating',
      operation: {
        id: 'o',
        kind: 'rm',
        pid: 4194303,
        pid_start: '1',
        boot_id: 'b',
        pid_ns: 'n',
        since: '2026-01-01T00:00:00Z',
        deleting: { snapshot: '' },
      },
    });
    return entries;
  });
  await doctor(box, '--fix');
  expect(fs.readFileSync(path.join(victim, 'file'), 'utf8')).toBe('x');
  expect(fs.existsSync(box.repository)).toBe(true);
});

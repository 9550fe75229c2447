import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { cli, docker, makeSandbox, testImage, until, type Sandbox } from '../../support/sandbox.ts';

const ID = 'a1b2c3d4';
const SESSION = '3f9c1a2b';
const MUX = `hjk-${ID}-${SESSION}`;

/** What headjack for Go leaves: a worktree without a lock, a container without labels, a session on tmux's default server. */
interface Leavings extends AsyncDisposable {
  readonly box: Sandbox;
  readonly container: string;
  readonly worktree: string;
  tmux(...args: string[]): string;
}

function makeLeavings(): Leavings {
  const box = makeSandbox();
  const tmuxFolder = path.join(box.folder, 'tmux');
  fs.mkdirSync(tmuxFolder, { mode: 0o700 });
  box.env['TMUX_TMPDIR'] = tmuxFolder;
  const worktree = path.join(box.stateRoot, 'git', 'project-0123abc', 'feature-old');
  fs.mkdirSync(path.dirname(worktree), { recursive: true });
  box.git('worktree', 'add', '-q', '-b', 'feature/old', worktree);
  fs.writeFileSync(path.join(worktree, 'work'), 'mine');
  const name = `hjk-project-0123abc-feature-old-${process.pid}`;
  const run = ['run', '-d', '--name', name, '-v', `${worktree}:/workspace`, '-w', '/workspace'];
  const container = docker(...run, '--entrypoint', 'sleep', testImage, 'infinity').trim();
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', args, { encoding: 'utf8', env: box.env, stdio: ['ignore', 'pipe', 'ignore'] });
  tmux('new-session', '-d', '-s', MUX, `docker exec -it ${container} sleep 4711`);
  const log = path.join(box.stateRoot, 'logs', ID, `${SESSION}.log`);
  fs.mkdirSync(path.dirname(log), { recursive: true });
  fs.writeFileSync(log, 'old line\n');
  const session = {
    id: SESSION,
    name: 'happy-panda',
    type: 'shell',
    mux_session_id: MUX,
    created_at: '2026-01-15T10:30:00.987654321+01:00',
    last_accessed: '2026-01-15T10:30:00.987654321+01:00',
  };
  const entry = {
    id: ID,
    repo: box.repository,
    repo_id: 'project-0123abc',
    branch: 'feature/old',
    worktree,
    container_id: container,
    created_at: '2026-01-15T10:30:00.123456789+01:00',
    status: 'running',
    sessions: [session],
    remote_user: 'developer',
    remote_workdir: '/workspaces/project',
  };
  const idle = {
    ...entry,
    id: '0f0f0f0f',
    branch: 'idle',
    container_id: '',
    status: 'stopped',
    sessions: null,
  };
  const idleTree = { ...idle, worktree: path.join(path.dirname(worktree), 'idle') };
  box.git('worktree', 'add', '-q', '-b', 'idle', idleTree.worktree);
  fs.writeFileSync(
    path.join(box.stateRoot, 'catalog.json'),
    JSON.stringify({ version: 2, entries: [entry, idleTree] }, null, 2),
  );
  return {
    box,
    container,
    worktree,
    tmux,
    async [Symbol.asyncDispose]() {
      try {
        tmux('kill-server');
      } catch {
        // it is gone
      }
      for (const id of docker('ps', '-aq', '--filter', `name=${name}`).split('\n').filter(Boolean))
        docker('rm', '-f', '-v', id);
      await box[Symbol.asyncDispose]();
    },
  };
}

const containers = (container: string): string =>
  docker('ps', '-aq', '--no-trunc', '--filter', `id=${container}`).trim();

it('ps, logs, kill, stop and rm work on what headjack for Go left', async () => {
  await using old = makeLeavings();
  const { box, container, worktree } = old;
  expect(await box.ok('ps')).toMatch(/feature\/old +running +1 /);
  expect(await box.ok('ps', 'feature/old')).toMatch(/happy-panda +shell +detached /);
  expect(await box.ok('logs', 'feature/old', 'happy-panda')).toBe('old line\n');
  const doctor = await box.hjk('doctor', '--json');
  expect(doctor.stdout).not.toContain('container-stranger');
  expect(await box.ok('kill', 'feature/old/happy-panda')).toBe(
    'Killed session happy-panda in instance feature/old\n',
  );
  expect(() => old.tmux('has-session', '-t', `=${MUX}`)).toThrow();
  const [entry] = box.catalog().entries;
  expect(entry).toMatchObject({ remote_user: 'developer', remote_workdir: '/workspaces/project' });
  expect(await box.ok('stop', 'feature/old')).toContain(`Stopped instance ${ID}`);
  expect(docker('inspect', '--format', '{{.State.Running}}', container).trim()).toBe('false');
  expect(await box.hjk('rm', 'feature/old', '--yes')).toMatchObject({ code: 5 });
  expect(fs.readFileSync(path.join(worktree, 'work'), 'utf8')).toBe('mine');
  await box.ok('rm', 'feature/old', '--force');
  expect(containers(container)).toBe('');
  expect(fs.existsSync(worktree)).toBe(false);
  await box.ok('restore', 'feature/old');
  expect(fs.readFileSync(path.join(worktree, 'work'), 'utf8')).toBe('mine');
  await box.ok('rm', 'idle', '--yes');
});

it('attach shows a session of headjack for Go; its end takes the entry along', async () => {
  await using old = makeLeavings();
  const { box } = old;
  const socket = path.join(box.folder, 'outer.sock');
  const outer = (...args: string[]): string =>
    execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...args], { encoding: 'utf8', env: box.env });
  const attach = (): void => {
    outer(
      'new-session',
      '-d',
      '-x',
      '120',
      '-y',
      '20',
      '-s',
      'outer',
      '-c',
      box.repository,
      `${cli} attach; echo code $?; sleep 60`,
    );
    outer('set', '-g', 'prefix', 'C-a');
    outer('set', '-g', 'status', 'off');
  };
  const screen = (): string => outer('capture-pane', '-p', '-t', '=outer:');
  try {
    attach();
    await until('it is shown', () => screen().includes('[hjk-a1b'));
    outer('send-keys', '-t', '=outer:', 'C-b', 'd');
    await until('it is left', () => screen().includes('code 0'));
    expect(box.catalog().entries[0]!.sessions).toHaveLength(1);
    outer('kill-session', '-t', '=outer');
    attach();
    await until('it is shown again', () => screen().includes('[hjk-a1b'));
    outer('send-keys', '-t', '=outer:', 'C-c');
    await until('it has ended', () => screen().includes('code 0'));
    expect(box.catalog().entries[0]!.sessions).toEqual([]);
  } finally {
    outer('kill-server');
  }
});

it('run says that git does not work there, recreate makes the container anew on the same worktree', async () => {
  await using old = makeLeavings();
  const { box, container, worktree } = old;
  const run = await box.hjk('-v', 'run', 'feature/old');
  expect(run.stdout).toBe(`Instance ${ID} ready for branch feature/old\n`);
  expect(run.stderr).toContain('git does not work in this container');
  expect(box.catalog().entries[0]!.container_id).toBe(container);
  expect(await box.ok('recreate', 'feature/old', '--yes')).toContain('Recreated instance');
  expect(containers(container)).toBe('');
  expect(await box.ok('exec', 'feature/old', '--no-mux', 'git', 'status', '--short')).toBe('?? work\n');
  expect(box.catalog().entries).toHaveLength(2);
  expect(box.catalog().entries[0]).toMatchObject({ id: ID, worktree, remote_user: 'developer' });
  // one of which nothing but the worktree is there
  await box.ok('run', 'idle');
  expect(await box.ok('exec', 'idle', '--no-mux', 'git', 'status', '--short')).toBe('');
  expect(box.git('worktree', 'list').trim().split('\n')).toHaveLength(3);
});

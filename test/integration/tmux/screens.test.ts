import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, makeSandbox, until, type Sandbox } from '../../support/sandbox.ts';

/** A terminal of 100×20 in a tmux server of its own, in which a shell runs. */
interface Terminal extends AsyncDisposable {
  type(text: string, ...keys: string[]): void;
  screen(): string;
  shows(what: RegExp, limitMs?: number): Promise<string>;
  resize(columns: number, rows: number): void;
}
function openTerminal(box: Sandbox): Terminal {
  const socket = path.join(box.folder, 'terminal.sock');
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', ['-S', socket, '-f', '/dev/null', '-u', ...args], {
      encoding: 'utf8',
      cwd: box.repository,
      env: { ...box.env, PATH: `${box.folder}/bin:${process.env['PATH']}`, PS1: '$ ', ENV: '' },
    });
  fs.mkdirSync(path.join(box.folder, 'bin'), { recursive: true });
  fs.symlinkSync(cli, path.join(box.folder, 'bin/hjk'));
  tmux('new-session', '-d', '-x', '100', '-y', '20', '-s', 't', 'sh');
  const screen = (): string => tmux('capture-pane', '-p', '-t', 't');
  return {
    screen,
    type(text, ...keys) {
      if (text !== '') tmux('send-keys', '-t', 't', '-l', text);
      for (const key of keys) tmux('send-keys', '-t', 't', key);
    },
    async shows(what, limitMs = 15_000) {
      await until(`the screen shows ${String(what)}:\n${screen()}`, () => what.test(screen()), limitMs).catch(
        (error: unknown) => {
          throw new Error(`${String(error)}\nnow:\n${screen()}`);
        },
      );
      return screen();
    },
    resize: (columns, rows) =>
      void tmux('resize-window', '-t', 't', '-x', String(columns), '-y', String(rows)),
    [Symbol.asyncDispose]() {
      try {
        tmux('kill-server');
      } catch {
        /* gone */
      }
      return Promise.resolve();
    },
  };
}

describe('on a terminal', () => {
  it('exec attaches to a shell; detach, attach, resize, and the exit code of its end', async () => {
    await using box = makeSandbox();
    await using term = openTerminal(box);
    await box.ok('run', 'b');
    term.type('hjk exec b --name shell', 'Enter');
    await term.shows(/hjk {2}b · shell .*detach: C-b d/);
    term.type('stty size; git branch --show-current', 'Enter');
    await term.shows(/19 100\s+b\n/);
    term.resize(80, 24);
    await until('the container sees the size', async () => {
      term.type('stty size', 'Enter');
      await new Promise(r => setTimeout(r, 200));
      return /23 80/.test(term.screen());
    });
    expect(await box.ok('ps', 'b')).toMatch(/shell +shell +attached/);
    term.type('', 'C-b', 'd');
    await term.shows(/detached/);
    term.type('echo "code $?"', 'Enter');
    await term.shows(/code 0/);
    expect(await box.ok('ps', 'b')).toMatch(/shell +shell +detached/);
    term.type('clear; hjk attach; echo "code $?"', 'Enter');
    await term.shows(/23 80/);
    term.type('clear; exit 5', 'Enter');
    await term.shows(/code 5/);
    term.type('clear; stty -a', 'Enter');
    expect(await term.shows(/ icanon /)).toMatch(/ echo /);
    expect(await box.ok('ps', 'b')).toBe('No sessions found\n');
  });
  it('a program that ends at once has still said what it said', async () => {
    await using box = makeSandbox();
    await using term = openTerminal(box);
    await box.ok('run', 'b');
    term.type('clear; hjk exec b sh -c "exit 3"; echo "code $?"', 'Enter');
    await term.shows(/code 3/);
    term.type('clear; hjk exec b no-such-program; echo "code $?"', 'Enter');
    await term.shows(/code 127/);
  });
  it('Ctrl-C and Ctrl-Z go to the program; kill from elsewhere gives the terminal back', async () => {
    await using box = makeSandbox();
    await using term = openTerminal(box);
    await box.ok('run', 'b');
    term.type(
      'hjk exec b --name s sh -c \'trap "echo got int" INT; echo up; while :; do sleep 0.1; done\'; echo "code $?"',
      'Enter',
    );
    await term.shows(/^up/m);
    term.type('', 'C-c');
    await term.shows(/got int/);
    term.type('', 'C-z');
    await box.ok('kill', 'b/s');
    await term.shows(/code (143|137)/);
    term.type('clear; stty -a', 'Enter');
    expect(await term.shows(/ icanon /)).toMatch(/ echo /);
  });
  it('a killed tmux server leaves a usable terminal and says what to do; the program runs on', async () => {
    await using box = makeSandbox();
    await using term = openTerminal(box);
    await box.ok('run', 'b');
    term.type(
      "hjk exec b --name s sh -c 'i=0; while :; do echo tick $i; i=$((i+1)); sleep 0.2; done'",
      'Enter',
    );
    await term.shows(/tick 2/);
    const [socket] = fs.readdirSync(path.join(box.stateRoot, 'run'));
    execFileSync('tmux', ['-S', path.join(box.stateRoot, 'run', socket!), 'kill-server']);
    await term.shows(
      /Error: the terminal of session s is gone; its program runs on\s+hint: hjk logs b s -f, or hjk kill b\/s/,
    );
    const before = (await box.ok('logs', 'b', 's', '--full')).split('\n').length;
    await until(
      'the log grows',
      async () => (await box.ok('logs', 'b', 's', '--full')).split('\n').length > before,
    );
    await box.ok('kill', 'b/s');
  });
  it('an engine that goes away is told', async () => {
    await using box = makeSandbox();
    await using term = openTerminal(box);
    await box.ok('run', 'b');
    term.type('hjk exec b --name s sh -c "echo up; sleep 100"; echo "code $?"', 'Enter');
    await term.shows(/^up/m);
    execFileSync('docker', ['kill', box.catalog().entries[0]!.container_id]);
    await term.shows(/code 137/);
    expect(await box.ok('ps')).toMatch(/b +stopped/);
  });
  it('rm asks; no means no', async () => {
    await using box = makeSandbox();
    await using term = openTerminal(box);
    await box.ok('run', 'b');
    const { id, worktree } = box.catalog().entries[0]!;
    term.type('clear; hjk rm b; echo "code $?"', 'Enter');
    const asked = await term.shows(/Are you sure\? \[y\/N\]/);
    expect(asked.replaceAll('\n', '')).toContain(`This will remove instance ${id} for branch b.`);
    expect(asked.replaceAll('\n', '')).toContain(`Worktree at ${worktree} will be deleted.`);
    term.type('', 'Enter');
    await term.shows(/Canceled\s+code 0/);
    expect(fs.existsSync(worktree)).toBe(true);
    term.type('clear; hjk rm b', 'Enter');
    await term.shows(/Are you sure/);
    term.type('y', 'Enter');
    await term.shows(/Removed instance/);
  });
  it('run shows its phases with times', async () => {
    await using box = makeSandbox();
    await using term = openTerminal(box);
    term.type('clear; hjk run b', 'Enter');
    expect(await term.shows(/Instance [0-9a-f]{8} ready/)).toMatch(
      /worktree {2}\d+\.\d\d s\s+container {2}\d+\.\d\d s\s+start {2}\d+\.\d\d s/,
    );
  });
});

it('a state root too deep for a socket uses /tmp, in a folder of the user alone', async () => {
  await using box = makeSandbox();
  const deep = path.join(box.folder, 'd'.repeat(120));
  const env = { ...box.env, HEADJACK_STATE_DIR: deep };
  const run = (...args: string[]): string =>
    execFileSync(cli, args, { cwd: box.repository, env, encoding: 'utf8' });
  run('run', 'b');
  run('exec', 'b', '-d', '-n', 's', 'sleep', '100');
  const folder = fs
    .readdirSync('/tmp')
    .filter(name => name.startsWith(`hjk-${process.getuid!()}-`))
    .map(name => path.join('/tmp', name));
  expect(folder.length).toBeGreaterThan(0);
  for (const place of folder) expect(fs.statSync(place).mode & 0o777).toBe(0o700);
  expect(run('ps', 'b')).toMatch(/s +shell +detached/);
  run('rm', 'b', '--yes');
});

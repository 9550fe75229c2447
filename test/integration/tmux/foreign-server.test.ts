import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { createTmuxHost } from '../../../src/session/tmux-host.ts';
import type { SessionHost } from '../../../src/session/port.ts';
import { findFolderDoubt, socketPath } from '../../../src/session/socket.ts';
import { makeFolder, root } from '../../support/sandbox.ts';

const id = 'aaaaaaaa';
const session = { instanceId: id, muxId: 'hjk-aaaaaaaa-bbbbbbbb', title: 't' };

interface Box extends Disposable {
  readonly host: SessionHost;
  /** Where the socket of the instance belongs. */
  readonly socket: string;
  readonly canary: string;
  /** Puts a server there whose `kill-server` and `list-sessions` write the canary. */
  plant(): void;
}

/** The state root of a user, in a folder of its own or so deep that the sockets are below /tmp. */
function makeBox(where: 'usual' | 'tmp'): Box {
  const folder = makeFolder();
  const stateRoot = path.join(folder, where === 'tmp' ? 'x'.repeat(120) : 'state');
  fs.mkdirSync(stateRoot, { mode: 0o700 });
  const owner = path.basename(folder);
  const socket = socketPath(stateRoot, () => owner, id);
  const canary = path.join(folder, 'canary');
  const conf = path.join(folder, 'conf');
  const write = `set-buffer x ; save-buffer ${canary}`;
  fs.writeFileSync(
    conf,
    ['kill-server', 'kill-session', 'list-sessions', 'attach-session', 'new-session']
      .map((name, i) => `set -s command-alias[${String(i)}] "${name}=${write}"\n`)
      .join(''),
  );
  fs.chmodSync(folder, 0o755);
  const env = { PATH: process.env['PATH'], HOME: folder, TERM: 'xterm-256color' };
  const host = createTmuxHost({
    stateRoot,
    owner: () => owner,
    env,
    configFile: path.join(root, 'src/session/tmux.conf'),
    userConfigFile: undefined,
  });
  return {
    host,
    socket,
    canary,
    plant() {
      fs.mkdirSync(path.dirname(socket), { recursive: true });
      execFileSync('tmux', ['-S', socket, '-f', conf, 'new', '-d', '-s', session.muxId, 'sleep', '1000'], {
        env,
      });
      execFileSync('tmux', ['-S', socket, 'source', conf], { env });
    },
    [Symbol.dispose]() {
      try {
        const pid = execFileSync('tmux', ['-S', socket, 'display', '-p', '#{pid}'], { env, stdio: 'pipe' });
        process.kill(Number(String(pid)));
      } catch {
        // none runs
      }
      if (where === 'tmp') fs.rmSync(path.dirname(socket), { recursive: true, force: true });
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

const asRoot = process.getuid?.() === 0;
/** Ways of making the place somebody else's; only root can really give a file away. */
const ways: readonly (readonly [what: string, spoil: (box: Box) => void])[] = [
  [
    'a folder that is a link',
    ({ socket }) => {
      const folder = path.dirname(socket);
      fs.renameSync(folder, `${folder}-real`);
      fs.symlinkSync(`${folder}-real`, folder);
    },
  ],
  ...(asRoot
    ? ([
        [
          'a folder of another user’s',
          ({ socket }: Box) => {
            fs.chownSync(path.dirname(socket), 4343, 4343);
          },
        ],
        [
          'a socket of another user’s',
          ({ socket }: Box) => {
            fs.lchownSync(socket, 4343, 4343);
          },
        ],
      ] as const)
    : []),
];
const places = (['usual', 'tmp'] as const).flatMap(where =>
  ways.map(([what, spoil]) => [what, where, spoil] as const),
);

it.each(places)('no command of ours is sent to %s (%s)', async (_what, where, spoil) => {
  using box = makeBox(where);
  box.plant();
  spoil(box);
  try {
    expect([...(await box.host.clients(id))]).toEqual([]);
    await box.host.close(session);
    await box.host.closeAll(id);
    const foreign = {
      code: 'tmux_failed',
      message: expect.stringMatching(/is a link|somebody else/) as string,
    };
    await expect(box.host.attach(session)).rejects.toMatchObject(foreign);
    await expect(box.host.open(session, ['true'], { columns: 80, rows: 24 })).rejects.toMatchObject(foreign);
    expect(fs.existsSync(box.canary)).toBe(false);
    expect(fs.existsSync(box.socket)).toBe(true);
  } finally {
    const folder = path.dirname(box.socket);
    if (fs.lstatSync(folder).isSymbolicLink()) {
      fs.unlinkSync(folder);
      fs.renameSync(`${folder}-real`, folder);
    }
    if (asRoot) fs.chownSync(folder, 0, 0);
  }
  execFileSync('tmux', ['-S', box.socket, 'kill-server'], { stdio: 'pipe' });
  expect(fs.existsSync(box.canary)).toBe(true); // what would have happened
});

it('a server of ours in a folder that others could enter is used, and the folder closed', async () => {
  using box = makeBox('usual');
  expect(await box.host.open(session, ['sleep', '1000'], { columns: 80, rows: 24 })).toBe(true);
  fs.chmodSync(path.dirname(box.socket), 0o777);
  expect([...(await box.host.clients(id)).keys()]).toEqual([session.muxId]);
  expect(fs.statSync(path.dirname(box.socket)).mode & 0o777).toBe(0o700);
  await box.host.closeAll(id);
  expect(fs.existsSync(box.socket)).toBe(false);
});

it('what lies in the place of a socket or its folder is no server of ours', async () => {
  using box = makeBox('usual');
  fs.mkdirSync(path.dirname(box.socket));
  fs.writeFileSync(box.socket, '');
  expect([...(await box.host.clients(id))]).toEqual([]);
  await expect(box.host.open(session, ['true'], { columns: 80, rows: 24 })).rejects.toMatchObject({
    message: `${box.socket} is no socket`,
  });
  fs.rmSync(path.dirname(box.socket), { recursive: true });
  fs.writeFileSync(path.dirname(box.socket), '');
  expect(box.host.instances()).toEqual([]);
  expect(box.host.doubt()).toMatchObject({ why: 'is no folder' });
});

it('a folder in one that everybody may write, and that is not sticky, is not trusted', () => {
  const folder = makeFolder();
  fs.mkdirSync(path.join(folder, 'sockets'), { mode: 0o700 });
  fs.chmodSync(folder, 0o777);
  expect(findFolderDoubt(path.join(folder, 'sockets'))).toMatchObject({ place: folder });
  fs.chmodSync(folder, 0o1777);
  expect(findFolderDoubt(path.join(folder, 'sockets'))).toBeUndefined();
  fs.rmSync(folder, { recursive: true });
});

import fs from 'node:fs';
import path from 'node:path';
import { cli, ownerOf } from '../../support/sandbox.ts';
import { runLimited } from '../limited.ts';
import { verbLimit, type World } from '../world.ts';
import { forEach, type Kind } from '../attack.ts';

/** Somebody else of this machine; only root can act as them. */
const strangerUid = 4444;

/** A state root whose sockets are too long for it, so that they are in /tmp. */
interface Far {
  readonly folder: string;
  /** The id of its only instance. */
  instance(): string;
  hjk(...words: string[]): ReturnType<typeof runLimited>;
}

function farFrom(world: World): Far {
  const root = path.join(world.home, '.local', 'x'.repeat(90));
  return {
    folder: path.join('/tmp', `hjk-${String(world.uid)}-${ownerOf(path.join(root, 'catalog.json'))}`),
    instance: () =>
      (JSON.parse(fs.readFileSync(path.join(root, 'catalog.json'), 'utf8')) as { entries: { id: string }[] })
        .entries[0]!.id,
    hjk: (...words) =>
      world.run(['env', `HEADJACK_STATE_DIR=${root}`, cli, ...words], {
        cwd: world.repository,
        limitMs: verbLimit,
      }),
  };
}

/** As the stranger. */
const stranger = (script: string, ...words: string[]): ReturnType<typeof runLimited> =>
  runLimited(['sh', '-c', script, 'sh', ...words], {
    cwd: '/tmp',
    env: { PATH: process.env['PATH'] },
    limitMs: 10_000,
    memoryKb: 1_000_000,
    as: { uid: strangerUid, groups: [] },
  });

/**
 * A tmux of the stranger's where the victim would ask, in which every command makes the asking tmux write a file, with the rights
 * of who asks. Prints its pid.
 */
const fakeServer = `[ -d "$1" ] || exit 0
t="tmux -S $1/$2.sock -f /dev/null"
$t new-session -d -P -F '#{pid}' -s x 'sleep 120' && $t server-access -a root; $t set-buffer evil; chmod 777 "$1/$2.sock"
i=100; for c in list-sessions has-session list-clients display-message new-session set-option attach-session kill-session kill-server; do $t set -s "command-alias[$i]" "$c=save-buffer -a $3"; i=$((i+1)); done`;

/** What the stranger puts in the folder's place before the victim comes. */
const planted: readonly (readonly [string, string])[] = [
  ['a folder of another user', 'mkdir -m 777 "$1"'],
  ['a link to a folder of theirs', 'mkdir -m 777 "$1.evil"; ln -s "$1.evil" "$1"'],
  ['a file', ': >"$1"'],
];

export const otherUsers: Kind = {
  kind: 'other users',
  attacks: forEach(planted, ([what, script]) => ({
    name: `the folder of sockets in /tmp is ${what}`,
    outside: async (world, word) => {
      if (process.getuid!() !== 0) return [];
      const far = farFrom(world);
      const faults: string[] = [];
      let server = 0;
      try {
        await far.hjk('run', 'far');
        const before = await far.hjk('exec', 'far', '-d', '-n', 'mine', 'sleep', '1000');
        if (before.code !== 0) faults.push(`exec fails by itself: ${before.output.slice(0, 200)}`);
        await far.hjk('stop', 'far');
        // as after a boot, which empties /tmp
        fs.rmSync(far.folder, { recursive: true, force: true });
        await stranger(script, far.folder);
        const fake = await stranger(
          fakeServer,
          far.folder,
          far.instance(),
          path.join(world.home, 'canaries', word),
        );
        server = Number(fake.output.split('\n')[0]);
        for (const words of [
          ['run', 'far'],
          ['exec', 'far', '-d', '-n', 's', 'true'],
          ['exec', 'far', '--no-mux', 'true'],
          ['ps'],
          ['attach', 'far'],
          ['kill', 'far/s'],
          ['stop', 'far'],
          ['doctor', '--fix'],
          ['rm', 'far', '--force'],
        ]) {
          const ran = await far.hjk(...words);
          if (ran.hung !== undefined) faults.push(`${ran.command} hung`);
          if (ran.code === 1) faults.push(`${ran.command} is not foreseen: ${ran.output.slice(0, 200)}`);
        }
      } finally {
        if (server > 1) process.kill(server, 'SIGKILL');
        await far.hjk('rm', 'far', '--force', '-D');
        for (const end of ['', '.evil']) fs.rmSync(far.folder + end, { recursive: true, force: true });
      }
      return faults;
    },
  })),
};

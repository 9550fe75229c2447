import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Attack, Kind } from '../attack.ts';
import type { World } from '../world.ts';

/** A hole: what an escape would have done, done from the host. */
const hole = (name: string, dig: (world: World, word: string) => void): Attack => ({
  name,
  outside: (world, word) => {
    dig(world, word);
    return Promise.resolve([]);
  },
});

const git = (world: World, ...args: string[]): void => {
  execFileSync('git', ['-c', 'safe.directory=*', ...args], { cwd: world.repository, stdio: 'ignore' });
};

/** For `--self-test`: a suite that finds none of these would find nothing. */
export const planted: Kind = {
  kind: 'planted holes',
  attacks: [
    { name: 'nothing at all', inside: 'true' },
    { name: 'nothing but work', inside: 'echo work >work.txt' },
    hole('a line in .bashrc', world => {
      fs.appendFileSync(path.join(world.home, '.bashrc'), 'evil\n');
    }),
    hole('its own canary changed', (world, word) => {
      fs.appendFileSync(path.join(world.home, 'canaries', word), 'evil\n');
    }),
    hole('a program that ran', (world, word) => {
      fs.writeFileSync(path.join(world.folder, 'ran', word), 'evil\n');
    }),
    hole('a branch moved', world => {
      git(world, 'update-ref', 'refs/heads/precious', 'main');
    }),
    hole('a stash dropped', world => {
      git(world, 'stash', 'drop');
    }),
    hole('a key of the configuration', world => {
      git(world, 'config', 'core.fsmonitor', 'false');
    }),
    hole('a hook', world => {
      fs.writeFileSync(path.join(world.repository, '.git/hooks/post-checkout'), '#!/bin/sh\n', {
        mode: 0o755,
      });
    }),
    hole('a process ended', world => {
      world.bystander.kill('SIGKILL');
    }),
    hole('a file of another instance', world => {
      fs.rmSync(path.join(world.entry('innocent')!.worktree, 'README.md'));
    }),
    hole('a git of the host that waits for ever', world => {
      const lock = path.join(world.repository, 'README.md');
      fs.rmSync(lock);
      execFileSync('mkfifo', [path.join(world.repository, '.gitignore')]);
    }),
  ],
};

// Times whole commands against a reference in the same run, in turns, so that a noisy machine is noisy to both.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
export const hjk = path.join(root, 'dist/cli/hjk.cjs');

/** Where NODE_EXTRA_CA_CERTS is set, Node 20 parses that file at every start, in the reference too: it is left out for both. */
export function cleanEnv(extra = {}) {
  const { PATH } = process.env;
  return { PATH, LANG: 'C.UTF-8', TERM: 'xterm-256color', HEADJACK_BASE_IMAGE: 'hjk-test:base', ...extra };
}

/** The engine, chosen as the tests choose theirs: the podman at HJK_TEST_PODMAN, the Docker at HJK_TEST_DOCKER (sockets), or Docker. */
export function engine() {
  const { HJK_TEST_PODMAN: podman, HJK_TEST_DOCKER: docker } = process.env;
  const socket = podman ?? docker ?? '/var/run/docker.sock';
  const url = `unix://${socket}`;
  const env =
    podman === undefined ? { DOCKER_HOST: url } : { HEADJACK_RUNTIME_NAME: 'podman', CONTAINER_HOST: url };
  return { socket, env, name: podman === undefined ? 'docker' : 'podman' };
}

export function makeFolder() {
  return fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'hjk-bench-')));
}

export function git(cwd, ...args) {
  const ran = spawnSync('git', args, {
    cwd,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      HOME: '/nonexistent',
      GIT_AUTHOR_NAME: 'b',
      GIT_AUTHOR_EMAIL: 'b@b',
      GIT_COMMITTER_NAME: 'b',
      GIT_COMMITTER_EMAIL: 'b@b',
    },
  });
  if (ran.status !== 0) throw new Error(`git ${args.join(' ')}: ${ran.stderr}`);
  return ran.stdout;
}

export function makeRepository(folder) {
  fs.mkdirSync(folder, { recursive: true });
  git(folder, 'init', '-q', '-b', 'main');
  for (let i = 0; i < 20; i++) fs.writeFileSync(path.join(folder, `file${i}`), `content ${i}\n`.repeat(50));
  git(folder, 'add', '.');
  git(folder, 'commit', '-qm', 'First');
}

/** Milliseconds that a command takes, its start included. */
export function time(command, args, options) {
  return new Promise((resolve, reject) => {
    const begin = process.hrtime.bigint();
    const child = spawn(command, args, { stdio: 'ignore', ...options });
    child.on('error', reject);
    child.on('close', code => {
      const ms = Number(process.hrtime.bigint() - begin) / 1e6;
      if (code === 0) resolve(ms);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}`));
    });
  });
}

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}
export const median = values => quantile(values, 0.5);

/** Runs `jobs` (name → function that gives ms) in turns and gives the median of each. */
export async function inTurns(jobs, rounds) {
  const times = Object.fromEntries(Object.keys(jobs).map(name => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, job] of Object.entries(jobs)) {
      const ms = await job(round);
      if (round >= 0) times[name].push(ms);
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
}

/** One line of the result: a ratio, what it may be, and whether it is. */
export function report(what, ratio, reach, kind = 'at most', unit = '×') {
  const good = kind === 'at most' ? ratio <= reach : ratio >= reach;
  console.log(
    `${good ? 'ok  ' : 'MISS'}  ${what.padEnd(66)} ${ratio.toFixed(2)}${unit}  (${kind} ${reach}${unit})`,
  );
}

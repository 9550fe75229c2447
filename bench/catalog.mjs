// Processes that update one catalog against flock with the same work; one update and one read uncontended; recovery.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import lockfile from 'proper-lockfile';
import { createCatalogStore } from '../dist/lib/index.mjs';
import { makeFolder, median, quantile, report, root } from './harness.mjs';

const folder = makeFolder();
const file = path.join(folder, 'catalog.json');
const entry = i => ({
  id: i.toString(16).padStart(8, '0'),
  repo: '/r',
  repo_id: 'r-000000',
  branch: `b${i}`,
  worktree: `/w/${i}`,
  container_id: '',
  created_at: '2026-01-01T00:00:00Z',
  status: 'stopped',
  sessions: [],
});
const reset = () =>
  fs.writeFileSync(
    file,
    JSON.stringify({ version: 2, entries: Array.from({ length: 20 }, (_, i) => entry(i)) }, null, 2),
  );
const env = { PATH: process.env.PATH };
const ours = [process.execPath, path.join(root, 'bench/catalog-worker.mjs')];
const flock = ['python3', path.join(root, 'bench/flock-worker.py')];

function work([program, ...args], updates) {
  return new Promise(resolve => {
    let out = '';
    const child = spawn(program, [...args, file, String(updates)], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.on('data', chunk => (out += chunk));
    child.on('close', code => resolve(code === 0 ? JSON.parse(out) : undefined));
  });
}
/** Updates a second, start-up of the processes taken off by what one alone takes for nothing. */
async function storm(command, processes, each) {
  reset();
  const idle = performance.now();
  await Promise.all(Array.from({ length: processes }, () => work(command, 0)));
  const start = performance.now() - idle;
  const begin = performance.now();
  const results = await Promise.all(Array.from({ length: processes }, () => work(command, each)));
  const seconds = Math.max(0.001, (performance.now() - begin - start) / 1000);
  const { counter } = JSON.parse(fs.readFileSync(file, 'utf8'));
  return {
    rate: (processes * each) / seconds,
    waits: results.flatMap(r => r ?? []),
    failed: results.filter(r => r === undefined).length,
    lost: processes * each - counter,
  };
}
for (const [processes, each, reach] of [
  [8, 100, 0.4],
  [32, 40, 0.25],
  [64, 20, 0.2],
]) {
  const ratios = [];
  let worst = 0,
    theirWorst = 0,
    lost = 0,
    failed = 0,
    p50 = 0,
    p99 = 0;
  for (let round = 0; round < 3; round++) {
    const theirs = await storm(flock, processes, each);
    const mine = await storm(ours, processes, each);
    ratios.push(mine.rate / theirs.rate);
    theirWorst = Math.max(theirWorst, ...theirs.waits);
    worst = Math.max(worst, ...mine.waits);
    lost += mine.lost;
    failed += mine.failed;
    p50 = quantile(mine.waits, 0.5);
    p99 = quantile(mine.waits, 0.99);
  }
  report(
    `${processes} processes, throughput / flock (p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)} ms)`,
    median(ratios),
    reach,
    'at least',
  );
  report(
    `${processes} processes, longest wait (flock: ${(theirWorst / 1000).toFixed(2)} s)`,
    worst / 1000,
    2.5,
    'at most',
    ' s',
  );
  report(`${processes} processes, lost or timed out`, lost + failed, 0, 'at most', '');
}

reset();
const store = createCatalogStore({
  file,
  verb: 'bench',
  folders: { worktrees: '/nonexistent', logs: '/nonexistent' },
});
/** Median ms of each action, in turns. */
const clock = async (actions, rounds) => {
  const times = actions.map(() => []);
  for (let i = -50; i < rounds; i++) {
    for (const [k, action] of actions.entries()) {
      const begin = performance.now();
      await action();
      if (i >= 0) times[k].push(performance.now() - begin);
    }
  }
  return times.map(median);
};
const bare = () => {
  const draft = JSON.parse(fs.readFileSync(file, 'utf8'));
  draft.counter = (draft.counter ?? 0) + 1;
  const fd = fs.openSync(`${file}.tmp`, 'w', 0o600);
  fs.writeSync(fd, JSON.stringify(draft, null, 2));
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  fs.renameSync(`${file}.tmp`, file);
  const d = fs.openSync(folder, 'r');
  fs.fsyncSync(d);
  fs.closeSync(d);
};
const locked = async () => {
  const release = await lockfile.lock(file, { realpath: false });
  bare();
  await release();
};
const update = () => store.update(draft => void (draft.counter = (draft.counter ?? 0) + 1));
const [mine, theirs] = await clock([update, locked], 500);
report('one update / proper-lockfile around the same', mine / theirs, 1);
const [shared, unlocked] = await clock(
  [() => store.read(c => c.entries.length), () => JSON.parse(fs.readFileSync(file, 'utf8')).entries.length],
  3000,
);
report('one read / the same without a lock', shared / unlocked, 3.5);

async function recovery(signal) {
  reset();
  const holder = spawn(ours[0], [ours[1], file, '1', 'hold'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise(resolve => holder.stdout.once('data', resolve));
  holder.kill(signal);
  if (signal === 'SIGKILL') await new Promise(resolve => holder.once('close', resolve));
  const begin = performance.now();
  await update();
  const ms = performance.now() - begin;
  holder.kill('SIGKILL');
  return ms;
}
const many = async signal => {
  const times = [];
  for (let i = 0; i < 7; i++) times.push(await recovery(signal));
  return Math.max(...times);
};
report('the next update after kill -9 of a holder, worst of 7', await many('SIGKILL'), 100, 'at most', ' ms');
report(
  'the next update after SIGSTOP of a holder, worst of 7',
  (await many('SIGSTOP')) / 1000,
  1,
  'at most',
  ' s',
);
fs.rmSync(folder, { recursive: true });

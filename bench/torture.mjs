// The catalog under torture: many processes, holders killed and suspended, readers all the while; fairness; recovery; growth.
// Usage: node bench/torture.mjs [quick]
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { createCatalogStore } from '../dist/lib/index.mjs';
import { makeFolder, median, quantile, report, root } from './harness.mjs';

const quick = process.argv[2] === 'quick';
const folder = makeFolder();
const file = path.join(folder, 'catalog.json');
const env = { PATH: process.env.PATH };
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
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
const reset = (entries = 20) =>
  fs.writeFileSync(
    file,
    JSON.stringify({ version: 2, entries: Array.from({ length: entries }, (_, i) => entry(i)) }, null, 2),
  );
const load = () => JSON.parse(fs.readFileSync(file, 'utf8'));

/** A worker, and what it said. `acks` is how many updates it was told are done. */
function start(name, mode, amount, wrap = []) {
  const command = [
    ...wrap,
    process.execPath,
    path.join(root, 'bench/torture-worker.mjs'),
    file,
    name,
    mode,
    amount,
  ];
  const child = spawn(command[0], command.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const worker = { name, mode, child, acks: 0, reads: 0, waits: [], errors: '', inside: false };
  let rest = '';
  child.stdout.on('data', chunk => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const [word, n, waited] = line.split(' ');
      if (word === 'ack') worker.acks = Number(n);
      if (word === 'read') worker.reads++;
      if (word === 'inside') worker.inside = true;
      if (waited !== undefined) worker.waits.push(Number(waited));
    }
  });
  child.stderr.on('data', chunk => (worker.errors += chunk));
  worker.over = new Promise(resolve => child.on('close', resolve));
  return worker;
}

/** The process that holds the lock now, if it is one of ours. */
function holder(workers) {
  const marker = fs.readdirSync(folder).find(name => name.startsWith('catalog.json.w-'));
  const pid = Number(marker?.slice('catalog.json.w-'.length).split('.')[0]);
  return workers.find(w => w.child.pid === pid && w.child.exitCode === null && w.child.signalCode === null);
}

async function storm(processes, updates, disturbances) {
  reset();
  const readers = Math.max(2, Math.floor(processes / 8));
  const writers = processes - readers;
  const each = Math.ceil(updates / writers);
  let serial = 0;
  const all = [];
  const launch = (mode, amount) => {
    const worker = start(`${mode}${serial++}`, mode, String(amount));
    all.push(worker);
    return worker;
  };
  for (let i = 0; i < writers; i++) launch('write', each);
  for (let i = 0; i < readers; i++) launch('read', '3600000ms');
  const living = () =>
    all.filter(w => w.child.exitCode === null && w.child.signalCode === null && w.mode === 'write');
  let done = 0;
  const total = () => all.reduce((sum, w) => sum + (w.mode === 'write' ? w.acks : 0), 0);
  while (done < disturbances || total() < updates) {
    if (living().length === 0) launch('write', each);
    if (done < disturbances) {
      const victim = holder(all);
      if (victim !== undefined) {
        done++;
        if (done % 5 === 0) {
          victim.suspended = true; // what it waits for is its own continuation
          victim.child.kill('SIGSTOP');
          setTimeout(() => victim.child.kill('SIGCONT'), done % 2 === 0 ? 900 : 150);
          await sleep(700);
        } else {
          victim.child.kill('SIGKILL');
          if (victim.mode === 'write') launch('write', each);
          await sleep(60);
        }
        continue;
      }
      await sleep(0);
    } else await sleep(50);
  }
  for (const worker of all) if (worker.mode === 'read') worker.child.kill('SIGTERM');
  for (const worker of living()) worker.child.kill('SIGCONT');
  await Promise.all(all.map(w => w.over));
  const { counts, counter } = load();
  const sum = Object.values(counts).reduce((a, b) => a + b, 0);
  const store = createCatalogStore({
    file,
    verb: 'bench',
    folders: { worktrees: '/nonexistent', logs: '/nonexistent' },
  });
  await store.update(() => undefined);
  const writes = all.filter(w => w.mode === 'write' && !w.suspended).flatMap(w => w.waits);
  return {
    acknowledged: total(),
    lost: all
      .filter(w => w.mode === 'write')
      .reduce((n, w) => n + Math.max(0, w.acks - (counts[w.name] ?? 0)), 0),
    torn: all.filter(w => w.errors.includes('torn')).length + (sum === counter ? 0 : 1),
    timeouts: all.filter(w => w.errors !== '' && !w.errors.includes('torn')).length,
    leftovers: fs.readdirSync(folder).filter(name => name !== 'catalog.json').length,
    longest: Math.max(...all.filter(w => !w.suspended).flatMap(w => w.waits)) / 1000,
    p50: quantile(writes, 0.5),
    p99: quantile(writes, 0.99),
    reads: all.reduce((n, w) => n + w.reads, 0),
    disturbances: done,
  };
}

let acknowledged = 0;
let disturbed = 0;
for (const [processes, updates, disturbances] of quick
  ? [
      [8, 500, 20],
      [64, 500, 20],
    ]
  : [
      [8, 3000, 90],
      [16, 3000, 80],
      [32, 3000, 80],
      [64, 3000, 80],
    ]) {
  const result = await storm(processes, updates, disturbances);
  acknowledged += result.acknowledged;
  disturbed += result.disturbances;
  console.log(
    `      ${processes} processes: ${result.acknowledged} acknowledged, ${result.reads} reads, ${result.disturbances} holders killed or suspended, p50 ${result.p50.toFixed(0)} ms, p99 ${result.p99.toFixed(0)} ms`,
  );
  for (const what of ['lost', 'torn', 'timeouts', 'leftovers'])
    report(`${processes} processes, ${what}`, result[what], 0, 'at most', '');
  report(`${processes} processes, longest wait`, result.longest, 2.5, 'at most', ' s');
}
report('updates acknowledged in all', acknowledged, quick ? 1000 : 10_000, 'at least', '');
report('holders killed or suspended in all', disturbed, quick ? 40 : 300, 'at least', '');

async function fairness(readers, writers, ms) {
  reset();
  const all = [
    ...Array.from({ length: readers }, (_, i) => start(`r${i}`, 'read', `${ms}ms`)),
    ...Array.from({ length: writers }, (_, i) => start(`w${i}`, 'write', `${ms}ms`)),
  ];
  await Promise.all(all.map(w => w.over));
  const seconds = ms / 1000;
  return {
    reads: all.reduce((n, w) => n + w.reads, 0) / seconds,
    writes: all.reduce((n, w) => n + w.acks, 0) / seconds,
  };
}
const crowd = await fairness(15, 1, 5000);
report(
  `15 readers (${crowd.reads.toFixed(0)} reads/s) and 1 writer, writes a second`,
  crowd.writes,
  20,
  'at least',
  '',
);
const press = await fairness(1, 15, 5000);
report(
  `1 reader and 15 writers (${press.writes.toFixed(0)} writes/s), reads a second`,
  press.reads,
  10,
  'at least',
  '',
);

const store = createCatalogStore({
  file,
  verb: 'bench',
  folders: { worktrees: '/nonexistent', logs: '/nonexistent' },
});
const update = () => store.update(draft => void (draft.counter = (draft.counter ?? 0) + 1));
async function recovery(kind) {
  reset();
  await update();
  let worker;
  if (kind === 'gate') fs.mkdirSync(`${file}.lock`);
  else {
    worker = start(
      'h',
      'hold',
      '1',
      kind === 'foreign' ? ['unshare', '--pid', '--fork', '--kill-child'] : [],
    );
    while (!worker.inside) await sleep(2);
    worker.child.kill(kind === 'stopped' ? 'SIGSTOP' : 'SIGKILL');
    if (kind !== 'stopped') await worker.over;
  }
  const begin = performance.now();
  await update();
  const ms = performance.now() - begin;
  worker?.child.kill('SIGKILL');
  await worker?.over;
  return ms;
}
for (const [kind, what, reach] of [
  ['killed', 'after kill -9 of a holder', 100],
  ['gate', 'after kill -9 at the gate', 500],
  ['stopped', 'after SIGSTOP of a holder', 1000],
  ['foreign', 'after a holder in another pid namespace was killed', 4000],
]) {
  const times = [];
  for (let i = 0; i < (quick ? 2 : 7); i++) times.push(await recovery(kind));
  report(`the next update ${what}, worst of ${times.length}`, Math.max(...times), reach, 'at most', ' ms');
}

// growth: the same work with a bare file, in turns
const bare = () => {
  const draft = load();
  draft.counter = (draft.counter ?? 0) + 1;
  const fd = fs.openSync(`${file}.tmp`, 'w', 0o600);
  fs.writeFileSync(fd, JSON.stringify(draft, null, 2));
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  fs.renameSync(`${file}.tmp`, file);
  const place = fs.openSync(folder, 'r');
  fs.fsyncSync(place);
  fs.closeSync(place);
};
for (const size of [10, 100, 1000, 10_000]) {
  reset(size);
  const times = { update: [], bare: [], read: [], plain: [] };
  const clock = async (list, action) => {
    const begin = performance.now();
    await action();
    list.push(performance.now() - begin);
  };
  for (let i = 0; i < (quick ? 5 : size > 1000 ? 20 : 60); i++) {
    await clock(times.update, update);
    await clock(times.bare, bare);
    await clock(times.read, () => store.read(c => c.entries.length));
    await clock(times.plain, () => load().entries.length);
  }
  const ms = list => `${median(list).toFixed(1)} (p99 ${quantile(list, 0.99).toFixed(1)}) ms`;
  console.log(
    `      ${size} entries: update ${ms(times.update)}, bare ${ms(times.bare)}; read ${ms(times.read)}, plain ${ms(times.plain)}`,
  );
  report(
    `${size} entries, one update / the same on a bare file without a lock`,
    median(times.update) / median(times.bare),
    2,
  );
}
fs.rmSync(folder, { recursive: true });

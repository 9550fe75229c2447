// Power cuts, simulated: writers on a loop device are frozen at a random moment, the device's bytes are copied as they are, the
// copy is mounted (its journal is replayed) and must hold every acknowledged update. As root. Usage: power-cut.mjs [rounds]
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { makeFolder, report, root } from './harness.mjs';

const rounds = Number(process.argv[2] ?? 15);
const folder = makeFolder();
const run = (program, ...args) =>
  execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
const systems = { ext4: { size: '64M', make: ['-q', '-F'] }, xfs: { size: '320M', make: ['-q', '-f'] } };

/** One cut. Gives how many acknowledged updates are missing, or that the catalog cannot be read. */
async function cut(system, mode) {
  const image = path.join(folder, 'disk.img');
  const copy = path.join(folder, 'crash.img');
  const mount = path.join(folder, 'mount');
  fs.rmSync(image, { force: true });
  fs.mkdirSync(mount, { recursive: true });
  run('truncate', '-s', systems[system].size, image);
  run(`mkfs.${system}`, ...systems[system].make, image);
  run('mount', '-o', 'loop', image, mount);
  const file = path.join(mount, 'state/catalog.json');
  fs.mkdirSync(path.dirname(file));
  run('sync', '-f', mount);
  const workers = Array.from({ length: mode === 'no-sync' ? 1 : 4 }, (_, i) => {
    const out = path.join(folder, `out${i}`);
    const fd = fs.openSync(out, 'w');
    const child = spawn(
      process.execPath,
      [path.join(root, 'bench/torture-worker.mjs'), file, `w${i}`, mode, '60000ms'],
      { stdio: ['ignore', fd, 'ignore'], env: { PATH: process.env.PATH } },
    );
    fs.closeSync(fd);
    return { name: `w${i}`, out, child, over: new Promise(resolve => child.on('close', resolve)) };
  });
  while (!fs.existsSync(file)) await sleep(5);
  await sleep(100 + Math.random() * 900);
  for (const { child } of workers) child.kill('SIGSTOP');
  const acks = workers.map(w =>
    Number(/ack (\d+) [^\n]*\n?$/.exec(fs.readFileSync(w.out, 'utf8').trimEnd())?.[1] ?? 0),
  );
  run('cp', '--sparse=always', image, copy);
  for (const { child } of workers) child.kill('SIGKILL');
  await Promise.all(workers.map(w => w.over));
  run('umount', mount);
  run('mount', '-o', system === 'xfs' ? 'loop,nouuid' : 'loop', copy, mount);
  let missing = 0;
  try {
    const { counts = {} } = JSON.parse(fs.readFileSync(file, 'utf8'));
    workers.forEach((w, i) => (missing += Math.max(0, acks[i] - (counts[w.name] ?? 0))));
  } catch {
    missing = acks.reduce((a, b) => a + b, 0);
  } finally {
    run('umount', mount);
  }
  return { missing, acknowledged: acks.reduce((a, b) => a + b, 0) };
}

try {
  for (const system of Object.keys(systems)) {
    const results = [];
    for (let i = 0; i < rounds; i++) results.push(await cut(system, 'write'));
    const sum = key => results.reduce((n, r) => n + r[key], 0);
    report(
      `${system}, ${rounds} power cuts: of ${sum('acknowledged')} acknowledged updates lost`,
      sum('missing'),
      0,
      'at most',
      '',
    );
    const control = [];
    for (let i = 0; i < Math.ceil(rounds / 3); i++) control.push(await cut(system, 'no-sync'));
    const hit = control.filter(r => r.missing > 0).length;
    console.log(
      `      the same without fsync, to show that the check can fail: ${hit} of ${control.length} cuts lost updates`,
    );
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}

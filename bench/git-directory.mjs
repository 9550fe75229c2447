// The container's own git directory: what it costs at `run` and `exec`, and how soon a commit inside is on the host. Every figure is a
// ratio or a difference to git or to the older kind, measured in turns in the same run.
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {
  cleanEnv,
  engine,
  git,
  hjk,
  makeFolder,
  makeRepository,
  median,
  quantile,
  report,
  time,
} from './harness.mjs';

const { env, name: engineName, socket } = engine();
const dockerEnv = { ...process.env, DOCKER_HOST: `unix://${socket}` };
const rounds = Number(process.env.ROUNDS ?? 6);

/** A repository and two homes: one whose containers have a git directory of their own, one whose share the repository's. */
function setUp(make = makeRepository) {
  const folder = makeFolder();
  const repository = path.join(folder, 'project');
  make(repository);
  const at = Object.fromEntries(
    ['own', 'shared'].map(kind => {
      const home = path.join(folder, kind);
      fs.mkdirSync(path.join(home, '.config/headjack'), { recursive: true });
      fs.writeFileSync(path.join(home, '.config/headjack/config.yaml'), `git:\n  directory: ${kind}\n`);
      return [kind, { cwd: repository, env: cleanEnv({ HOME: home, ...env }) }];
    }),
  );
  const run = (kind, ...args) => time(process.execPath, [hjk, ...args], at[kind]);
  const entryOf = (kind, branch) =>
    JSON.parse(
      fs.readFileSync(path.join(folder, kind, '.local/share/headjack/catalog.json'), 'utf8'),
    ).entries.find(entry => entry.branch === branch);
  return { folder, repository, run, entryOf };
}

const inside = (entry, line) =>
  new Promise((resolve, reject) => {
    const args = ['exec', '-w', entry.worktree, entry.container_id, 'sh', '-ec', line];
    execFile('docker', args, { env: dockerEnv }, (error, stdout) =>
      error ? reject(error) : resolve(stdout.trim()),
    );
  });

/** ms from the moment at which the branch inside was moved (its file says when) until the host has it. */
async function latency(place, entry, branch) {
  const file = path.join(place.repository, '.git/refs/heads', branch);
  const own = path.join(
    place.folder,
    'own/.local/share/headjack/instances',
    entry.id,
    'git/refs/heads',
    branch,
  );
  const before = fs.readFileSync(file, 'utf8');
  const moved = inside(entry, 'git -c user.name=b -c user.email=b@b commit -q --allow-empty -m x');
  const until = Date.now() + 30_000;
  while (fs.readFileSync(file, 'utf8') === before) {
    if (Date.now() > until) throw new Error('the commit never came');
    await new Promise(resolve => setTimeout(resolve, 2));
  }
  const ms = fs.statSync(file).mtimeMs - fs.statSync(own).mtimeMs;
  await moved;
  return ms;
}

async function runAndExec(what, place) {
  const t = { own: [], shared: [], ownExec: [], sharedExec: [] };
  for (let round = -1; round < rounds; round++) {
    for (const kind of ['own', 'shared']) {
      const branch = `${kind}-${round + 1}`;
      const ms = await place.run(kind, 'run', branch);
      if (round >= 0) t[kind].push(ms);
      await place.run(kind, 'exec', branch, '--no-mux', 'true');
      const execMs = await place.run(kind, 'exec', branch, '--no-mux', 'true');
      if (round >= 0) t[`${kind}Exec`].push(execMs);
    }
    for (const kind of ['own', 'shared']) await place.run(kind, 'rm', `${kind}-${round + 1}`, '--yes', '-D');
  }
  const m = Object.fromEntries(Object.entries(t).map(([key, list]) => [key, median(list)]));
  console.log(
    `${what}: run ${m.own.toFixed(0)} ms (shared ${m.shared.toFixed(0)}), exec ${m.ownExec.toFixed(0)} ms (shared ${m.sharedExec.toFixed(0)})`,
  );
  report(`${what}: run, own - shared`, m.own - m.shared, 40, 'at most', ' ms');
  report(`${what}: exec --no-mux without a commit, own / shared`, m.ownExec / m.sharedExec, 1.05);
}

async function commits(what, place, branch) {
  await place.run('own', 'run', branch);
  const entry = place.entryOf('own', branch);
  await place.run('own', 'exec', branch, '-d', '--name', 's', 'sleep', '100000');
  await latency(place, entry, branch);
  const list = [];
  const plain = [];
  for (let i = 0; i < 20; i++) {
    list.push(await latency(place, entry, branch));
    const begin = process.hrtime.bigint();
    await inside(entry, 'true');
    plain.push(Number(process.hrtime.bigint() - begin) / 1e6);
  }
  console.log(
    `${what}: commit inside → on the host, median ${median(list).toFixed(0)} ms, p90 ${quantile(list, 0.9).toFixed(0)} ms; a bare \`docker exec true\` ${median(plain).toFixed(0)} ms`,
  );
  report(`${what}: commit inside → on the host, p90`, quantile(list, 0.9), 250, 'at most', ' ms');
  report(`${what}: the same, median / docker exec true`, median(list) / median(plain), 2.5);
}

async function tenAtOnce(place) {
  const branches = Array.from({ length: 10 }, (_, i) => `ten-${i}`);
  for (const branch of branches) {
    await place.run('own', 'run', branch);
    await place.run('own', 'exec', branch, '-d', '--name', 's', 'sleep', '100000');
  }
  const many =
    'i=0; while [ $i -lt 10 ]; do i=$((i+1)); git -c user.name=b -c user.email=b@b commit -q --allow-empty -m c$i; done; git rev-parse HEAD';
  const tips = await Promise.all(branches.map(branch => inside(place.entryOf('own', branch), many)));
  await place.run('own', 'sync');
  const lost = branches.filter((branch, i) => git(place.repository, 'rev-parse', branch).trim() !== tips[i]);
  report('ten instances committing at once: branches that lack a commit', lost.length, 0, 'at most', '');
  for (const branch of branches) await place.run('own', 'rm', branch, '--force', '--yes', '-D');
}

const small = setUp();
console.log(`${engineName}, ${rounds} rounds`);
await runAndExec('small', small);
await commits('small', small, 'commits');
await tenAtOnce(small);

const refs = setUp(repository => {
  makeRepository(repository);
  const head = git(repository, 'rev-parse', 'HEAD').trim();
  const lines = Array.from({ length: 5000 }, (_, i) => `create refs/heads/many/b${i} ${head}\n`).join('');
  execFileSync('git', ['update-ref', '--stdin'], { cwd: repository, input: lines });
  git(repository, 'pack-refs', '--all');
});
await runAndExec('5,000 refs', refs);
await commits('5,000 refs', refs, 'commits');

const files = setUp(repository => {
  makeRepository(repository);
  for (let folder = 0; folder < 500; folder++) {
    const place = path.join(repository, `d${folder}`);
    fs.mkdirSync(place);
    for (let i = 0; i < 100; i++) fs.writeFileSync(path.join(place, `f${i}`), `${folder} ${i}\n`);
  }
  git(repository, 'add', '.');
  git(repository, 'commit', '-qm', 'many');
});
await commits('50,000 files', files, 'commits');

for (const place of [small, refs, files]) {
  for (const branch of ['commits']) {
    const entry = place.entryOf('own', branch);
    if (entry !== undefined) await place.run('own', 'rm', branch, '--force', '--yes');
  }
  fs.rmSync(place.folder, { recursive: true, force: true });
}

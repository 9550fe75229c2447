// hjk run, stop and rm against the same work through the engine's API.
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
  report,
  root,
  time,
} from './harness.mjs';

const folder = makeFolder();
const repository = path.join(folder, 'project');
makeRepository(repository);
const { socket, env, name: engineName } = engine();
const at = { cwd: repository, env: cleanEnv({ HOME: folder, DOCKER_API_VERSION: '', ...env }) };
const reference = [path.join(root, 'bench/through-the-api.mjs'), socket, engineName];
const api = (...args) => time(process.execPath, [...reference, ...args], at);
const own = (...args) => time(process.execPath, [hjk, ...args], at);
const t = { apiRun: [], run: [], apiStop: [], stop: [], rm: [] };
for (let round = -1; round < 8; round++) {
  const name = `b${round + 1}`;
  const once = {};
  once.apiRun = await api('run', `api-${name}`, repository, path.join(folder, `api-${name}`));
  once.run = await own('run', name);
  once.apiStop = await api('stop', `api-${name}`);
  once.stop = await own('stop', name);
  await own('run', name);
  once.rm = await own('rm', name, '--yes');
  if (round >= 0) for (const [key, ms] of Object.entries(once)) t[key].push(ms);
  git(repository, 'worktree', 'remove', '--force', path.join(folder, `api-${name}`));
}
const m = Object.fromEntries(Object.entries(t).map(([key, list]) => [key, median(list)]));
console.log(
  `${engineName}, through the API: run ${m.apiRun.toFixed(0)} ms, stop + remove ${m.apiStop.toFixed(0)} ms; hjk: run ${m.run.toFixed(0)}, stop ${m.stop.toFixed(0)}, rm ${m.rm.toFixed(0)} ms`,
);
report('hjk run / git worktree add + create + start', m.run / m.apiRun, 1.6);
report('hjk stop / stop + remove', m.stop / m.apiStop, 1.6);
report('hjk rm / stop + remove', m.rm / m.apiStop, 1.6);
report('hjk stop, seconds', m.stop / 1000, 1.5, 'at most', ' s');
report('hjk rm, seconds', m.rm / 1000, 1.5, 'at most', ' s');
fs.rmSync(folder, { recursive: true });

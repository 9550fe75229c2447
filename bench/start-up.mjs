// hjk --version, --help and ps against `node -e 0`; ps with 100 instances against ps with 1.
import fs from 'node:fs';
import path from 'node:path';
import { cleanEnv, hjk, inTurns, makeFolder, makeRepository, report, time } from './harness.mjs';

const folder = makeFolder();
const repository = path.join(folder, 'project');
makeRepository(repository);
const entry = i => ({
  id: i.toString(16).padStart(8, '0'),
  repo: repository,
  repo_id: 'project-000000',
  branch: `b${i}`,
  worktree: path.join(folder, `git/b${i}`),
  container_id: `c${i}`,
  created_at: '2026-01-01T00:00:00Z',
  status: 'running',
  sessions: [],
});
const state = count => {
  const home = path.join(folder, `home${count}`);
  fs.mkdirSync(path.join(home, '.local/share/headjack'), { recursive: true });
  fs.writeFileSync(
    path.join(home, '.local/share/headjack/catalog.json'),
    JSON.stringify({ version: 2, entries: Array.from({ length: count }, (_, i) => entry(i)) }, null, 2),
  );
  return { cwd: repository, env: cleanEnv({ HOME: home }) };
};
const one = state(1);
const hundred = state(100);
const node = () => time(process.execPath, ['-e', '0'], one);
const run = (args, at) => () => time(process.execPath, [hjk, ...args], at);
const t = await inTurns(
  {
    node,
    version: run(['--version'], one),
    help: run(['--help'], one),
    ps: run(['ps'], one),
    ps100: run(['ps'], hundred),
    launcher: () => time(hjk, ['--version'], one),
  },
  25,
);
console.log(`node -e 0: ${t.node.toFixed(1)} ms`);
report('hjk --version / node -e 0', t.version / t.node, 1.15);
report('hjk --help / node -e 0', t.help / t.node, 1.45);
report('hjk ps, 1 instance / node -e 0', t.ps / t.node, 2.3);
report('hjk ps, 100 instances / 1', t.ps100 / t.ps, 1.3);
console.log(`the launcher's sh adds ${(t.launcher - t.version).toFixed(1)} ms`);
fs.rmSync(folder, { recursive: true });

// hjk logs -n 100 on 1 GiB against `node -e 0`, with its memory; how long a byte takes from the program's log to a follower.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { cleanEnv, hjk, inTurns, makeFolder, makeRepository, quantile, report, time } from './harness.mjs';

const folder = makeFolder();
const repository = path.join(folder, 'project');
makeRepository(repository);
const state = path.join(folder, '.local/share/headjack');
fs.mkdirSync(path.join(state, 'logs/00000001'), { recursive: true });
fs.mkdirSync(path.join(state, 'instances/00000001'), { recursive: true });
const now = '2026-01-01T00:00:00Z';
const sessions = ['long', 'short', 'live'].map((name, i) => ({
  id: `s${i}`,
  name,
  type: 'shell',
  mux_session_id: `m${i}`,
  created_at: now,
  last_accessed: now,
}));
fs.writeFileSync(
  path.join(state, 'catalog.json'),
  JSON.stringify({
    version: 2,
    entries: [
      {
        id: '00000001',
        repo: repository,
        repo_id: 'project-000000',
        branch: 'b',
        worktree: path.join(folder, 'git/b'),
        container_id: '',
        created_at: now,
        status: 'stopped',
        sessions,
      },
    ],
  }),
);
const stat = fs.readFileSync(`/proc/${process.pid}/stat`, 'latin1');
const me = {
  pid: process.pid,
  pid_start: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19],
  boot_id: fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  pid_ns: fs.readlinkSync('/proc/self/ns/pid'),
};
for (const { id, name } of sessions)
  fs.writeFileSync(
    path.join(state, `instances/00000001/${id}.json`),
    JSON.stringify({
      id,
      name,
      type: 'shell',
      started_at: now,
      starter: me,
      pump: me,
      ...(name === 'live' ? {} : { ended_at: now, exit_code: 0 }),
    }),
  );
const fill = (file, line) => {
  const fd = fs.openSync(file, 'w');
  const block = Buffer.from(line);
  for (let done = 0; done < 1024 ** 3; done += block.length) fs.writeSync(fd, block);
  fs.closeSync(fd);
};
fill(path.join(state, 'logs/00000001/s0.log'), `${'x'.repeat(3 * 1024 ** 2)}\n`);
fill(
  path.join(state, 'logs/00000001/s1.log'),
  `${'an ordinary line of a log, about eighty characters long, more or less, as they are\r\n'.repeat(10_000)}`,
);
const at = { cwd: repository, env: cleanEnv({ HOME: folder }) };
const t = await inTurns(
  {
    node: () => time(process.execPath, ['-e', '0'], at),
    long: () => time(process.execPath, [hjk, 'logs', 'b', 'long', '-n', '100'], at),
    short: () => time(process.execPath, [hjk, 'logs', 'b', 'short', '-n', '100'], at),
  },
  15,
);
report('hjk logs -n 100, 1 GiB, lines of 3 MB / node -e 0', t.long / t.node, 2);
report('hjk logs -n 100, 1 GiB, ordinary lines / node -e 0', t.short / t.node, 2);
const memory = spawnSync(
  'sh',
  [
    '-c',
    `"${process.execPath}" -e '
  const { spawn } = require("child_process"); const c = spawn(process.execPath, process.argv.slice(1), { stdio: "ignore" }); c.on("close", () => console.log(process.resourceUsage().maxRSS, require("fs").existsSync("/usr/bin/time")));
' -- "${hjk}" logs b long -n 100 >/dev/null; /usr/bin/env python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "${process.execPath}" "${hjk}" logs b long -n 100`,
  ],
  { ...at, encoding: 'utf8' },
);
report('its memory, MB', Number(memory.stdout.trim()) / 1024, 120, 'at most', ' MB');

const live = path.join(state, 'logs/00000001/s2.log');
fs.writeFileSync(live, '');
const follower = spawn(process.execPath, [hjk, 'logs', 'b', 'live', '-f'], {
  ...at,
  stdio: ['ignore', 'pipe', 'inherit'],
});
await new Promise(resolve => setTimeout(resolve, 500));
const waits = [];
for (let i = 0; i < 200; i++) {
  await new Promise(resolve => setTimeout(resolve, 10));
  const begin = process.hrtime.bigint();
  const seen = new Promise(resolve => follower.stdout.once('data', resolve));
  fs.appendFileSync(live, `line ${i}\n`);
  await seen;
  waits.push(Number(process.hrtime.bigint() - begin) / 1e6);
}
follower.kill('SIGKILL');
report(
  `log to follower, p90 (p50 ${quantile(waits, 0.5).toFixed(2)} ms)`,
  quantile(waits, 0.9),
  10,
  'at most',
  ' ms',
);
fs.rmSync(folder, { recursive: true });

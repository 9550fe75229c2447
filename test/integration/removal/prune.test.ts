import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { makeSandbox } from '../../support/sandbox.ts';

it('prune drops thousands of entries of which nothing is left in one go, and no other', async () => {
  await using box = makeSandbox();
  const worktrees = path.join(box.stateRoot, 'git/project-123456');
  fs.mkdirSync(path.join(worktrees, 'b1'), { recursive: true });
  const entries = Array.from({ length: 3000 }, (_, i) => {
    const id = i.toString(16).padStart(8, '0');
    return {
      id,
      repo: box.repository,
      repo_id: 'project-123456',
      branch: `b${i}`,
      worktree: path.join(worktrees, `b${i}`),
      container_id: id.repeat(8),
      created_at: '2020-01-01T00:00:00Z',
      status: 'stopped',
      sessions: [],
    };
  });
  const busy = {
    id: 'theirs',
    kind: 'rm',
    pid: process.pid,
    pid_start: fs.readFileSync('/proc/self/stat', 'latin1').split(') ')[1]!.split(' ')[19]!,
    boot_id: fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    pid_ns: fs.readlinkSync('/proc/self/ns/pid'),
    since: '2026-01-01T00:00:00Z',
  };
  Object.assign(entries[2]!, { operation: busy });
  fs.writeFileSync(path.join(box.stateRoot, 'catalog.json'), JSON.stringify({ version: 2, entries }));
  fs.writeFileSync(path.join(worktrees, 'b1', 'mine'), 'x');
  const log = path.join(box.stateRoot, 'logs', entries[0]!.id, 's.log');
  fs.mkdirSync(path.dirname(log), { recursive: true });
  fs.writeFileSync(log, 'x');
  const said = JSON.parse(await box.ok('prune', '--yes', '--json')) as { items: { removed: boolean }[] };
  expect(said.items.filter(item => item.removed)).toHaveLength(2998);
  expect(box.catalog().entries.map(e => e.branch)).toEqual(['b1', 'b2']);
  expect(box.catalog().entries[1]!.operation).toEqual(busy);
  expect(fs.existsSync(path.join(worktrees, 'b1', 'mine'))).toBe(true);
  expect(fs.existsSync(path.dirname(log))).toBe(false);
});

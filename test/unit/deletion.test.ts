import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const CALL =
  /\b(rmSync|unlinkSync|rmdirSync|renameSync|truncateSync|ftruncateSync|copyFileSync|writeFileSync|replaceFile|deleteFolder|removeOwnFolder|removeFiles|dropSnapshot|forgetWorktree|deleteBranch|putArchive)\(|'(update-ref|kill-server|kill-session)'|\b(process\.kill)\(|\.(remove)\(/g;

/** Lines of code that delete, move or overwrite: `<file> <call>`. */
function callsInSource(): string[] {
  const files = fs
    .readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'));
  const found = files.flatMap(file =>
    fs
      .readFileSync(path.join(root, 'src', file), 'utf8')
      .split('\n')
      .filter(line => !/^\s*(import|\*|\/\/|\/\*)/.test(line))
      .flatMap(line => [...line.matchAll(CALL)].map(match => `${file} ${match.slice(1).find(Boolean)}`)),
  );
  return [...new Set(found)].sort();
}

it('docs/deletion.md names every call that deletes, moves or overwrites', () => {
  const rows = fs
    .readFileSync(path.join(root, 'docs/deletion.md'), 'utf8')
    .split('\n')
    .filter(line => line.startsWith('| `'));
  const listed = rows.flatMap(row => {
    const [, file = '', calls = ''] = row.split('|').map(cell => cell.trim());
    return [...calls.matchAll(/`([^`]+)`/g)].map(match => `${file.replaceAll('`', '')} ${match[1]}`);
  });
  expect(callsInSource().filter(call => !listed.includes(call))).toEqual([]);
});

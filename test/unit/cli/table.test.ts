import { expect, it } from 'vitest';
import { formatTable } from '../../../src/cli/table.ts';

it('columns line up under colours and wide chars', () => {
  const rows = [
    ['a', '\u001b[32mrunning\u001b[39m', '1'],
    ['日本', 'stopped', '2'],
  ];
  const [header, first, second] = formatTable(['BRANCH', 'STATUS', 'N'], rows).split('\n');
  expect(header).toBe('BRANCH  STATUS   N');
  expect(first).toBe('a       \u001b[32mrunning\u001b[39m  1');
  expect(second).toBe('日本    stopped  2');
});

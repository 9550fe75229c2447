import { expect, it } from 'vitest';
import { describeNotStored } from '../../src/operations/not-stored.ts';

it('ignored files that go unstored are named with their sizes, ten of them at most, with nothing that a terminal would obey', () => {
  const place = (path: string, bytes: number, complete = true) => ({ path, bytes, files: 1, complete });
  expect(describeNotStored([place('node_modules/', 3 * 1024 ** 3, false), place('.env', 812)])).toBe(
    'node_modules/ (more than 3.0 GiB), .env (812 B)',
  );
  const many = Array.from({ length: 13 }, (_, i) => place(`f${i}`, 2048));
  expect(describeNotStored(many)).toMatch(/f9 \(2\.0 KiB\), and 3 more$/);
  expect(describeNotStored([place('a\u001b[31m', 1)])).not.toContain('\u001b');
});

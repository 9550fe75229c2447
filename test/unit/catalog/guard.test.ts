import fc from 'fast-check';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { isCatalog } from '../../../src/catalog/guard.ts';
import { parseCatalog } from '../../../src/catalog/parse.ts';
import { catalogSchema } from '../../../src/catalog/schema.ts';
import { HeadjackError } from '../../../src/errors.ts';

const fixtures = path.resolve(import.meta.dirname, '../../fixtures/catalogs');
const load = (name: string): Buffer => fs.readFileSync(path.join(fixtures, name));
const expected = JSON.parse(load('bad.expected.json').toString()) as Record<string, string>;

describe('a bad catalog is refused with its own error', () => {
  it('has a corpus of at least 40', () => {
    expect(Object.keys(expected).length).toBeGreaterThanOrEqual(40);
    expect(fs.readdirSync(path.join(fixtures, 'bad')).sort()).toEqual(Object.keys(expected).sort());
  });
  it.each(Object.entries(expected))('%s: %s', async (file, code) => {
    const error = await parseCatalog(load(`bad/${file}`), `/c/${file}`).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(HeadjackError);
    expect(error).toMatchObject({
      code,
      exitCode: 9,
      message: expect.stringContaining(`/c/${file}`) as string,
    });
  });
});

describe('a good catalog is read', () => {
  it.each(['v1.json', 'v2.json', 'original.json'])('%s', async file => {
    const { catalog, version } = await parseCatalog(load(file), file);
    expect(version).toBe(file === 'v1.json' ? 1 : 2);
    expect(catalog.version).toBe(2);
    expect(catalog.entries.every(entry => Array.isArray(entry.sessions))).toBe(true);
  });
  it('keeps unknown fields, in the document and in entries', async () => {
    expect((await parseCatalog(load('v1.json'), 'x')).catalog).toMatchObject({
      made_by: 'hand',
      entries: [{ note: 'kept' }],
    });
    expect((await parseCatalog(load('original.json'), 'x')).catalog.entries[0]).toMatchObject({
      remote_user: 'developer',
      remote_workdir: '/workspaces/myproject',
    });
  });
});

/** A value in which one place, chosen at random, holds something else. */
function damage(value: unknown, pick: (below: number) => number, replacement: unknown): unknown {
  if (typeof value !== 'object' || value === null) return replacement;
  const copy = structuredClone(value) as Record<string, unknown>;
  const keys = Object.keys(copy);
  if (keys.length === 0 || pick(6) === 0) return replacement;
  const key = keys[pick(keys.length)] ?? '';
  if (pick(8) === 0) Reflect.deleteProperty(copy, key);
  else copy[key] = damage(copy[key], pick, replacement);
  return copy;
}

it('the guard gives the same answer as the schema, whatever the file holds', () => {
  const files = ['v2.json', 'original.json'].map(
    name => JSON.parse(load(name).toString()) as Record<string, unknown>,
  );
  const operation = {
    id: 'a',
    kind: 'rm',
    pid: 5,
    pid_start: '1',
    boot_id: 'b',
    pid_ns: 'n',
    since: '2024-01-15T10:30:00Z',
    deleting: { snapshot: '', branch_tip: 'abcd' },
  };
  (
    files[0] as {
      entries: {
        operation?: unknown;
        sessions: { exit_code?: number; ended_at?: string; agent?: string }[];
      }[];
    }
  ).entries[0]!.operation = operation;
  Object.assign((files[0] as { entries: { sessions: object[] }[] }).entries[0]!.sessions[0]!, {
    exit_code: 3,
    ended_at: '2024-01-15T10:30:00Z',
    agent: 'aider',
  });
  const replacement = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      '',
      '..',
      '/',
      '/a/../b',
      '/a',
      '\u001b',
      'a1b2c3d4',
      2,
      2.5,
      -1,
      1e300,
      true,
      [],
      {},
      'running',
      '2024-01-15T10:30:00Z',
      'x'.repeat(300),
      'a\nb',
    ),
    fc.json().map(text => JSON.parse(text) as unknown),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...files),
      fc.infiniteStream(fc.nat(1000)),
      replacement,
      fc.integer({ min: 1, max: 3 }),
      (file, stream, value, times) => {
        let damaged: unknown = file;
        for (let i = 0; i < times; i++)
          damaged = damage(damaged, below => stream.next().value % below, value);
        expect(isCatalog(damaged)).toBe(catalogSchema.safeParse(damaged).success);
      },
    ),
    { numRuns: 5000 },
  );
});

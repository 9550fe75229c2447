import fc from 'fast-check';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadConfigFile } from '../../../src/config/load.ts';
import { resolveSettings } from '../../../src/config/settings.ts';
import { parseDuration } from '../../../src/core/duration.ts';
import { HeadjackError } from '../../../src/errors.ts';
import { formatMessage, parseMessage } from '../../../src/git/snapshot-message.ts';
import { makeFolder } from '../../support/sandbox.ts';

let folder: string;
beforeAll(() => (folder = makeFolder()));
afterAll(() => {
  fs.rmSync(folder, { recursive: true });
});

it('any config.yaml gives settings or an error of its own, never a crash', () => {
  const file = path.join(folder, 'config.yaml');
  const key = fc.constantFrom(
    'default',
    'agents',
    'storage',
    'runtime',
    'sessions',
    'env',
    'flags',
    'claude',
    '__proto__',
    'constructor',
    'x',
  );
  const { yaml } = fc.letrec(tie => ({
    yaml: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('yaml'), { maxLength: 3 }),
      fc.dictionary(key, tie('yaml'), { maxKeys: 4 }),
    ),
  }));
  const texts = fc.oneof(
    yaml.map(value => JSON.stringify(value)),
    fc.string(),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(texts, text => {
      fs.writeFileSync(file, text);
      try {
        resolveSettings({}, loadConfigFile(file).file);
      } catch (error) {
        expect(error).toBeInstanceOf(HeadjackError);
      }
    }),
    { numRuns: 400 },
  );
});

it('a message of a snapshot survives being written, and any text is a message or none', () => {
  const oid = fc.stringMatching(/^[0-9a-f]{40}$/);
  const name = fc.string({ unit: 'binary', minLength: 1 }).map(text => Buffer.from(text).toString('latin1'));
  const message = fc.record({
    schema: fc.constantFrom(1 as const, 2 as const),
    instance: fc.stringMatching(/^[0-9a-f]{8}$/),
    branch: fc.constantFrom('x', 'feat/x', '日本語'),
    head: fc.option(oid),
    detached: fc.boolean(),
    head_ref: fc.option(fc.constant('refs/heads/ü')),
    branch_tip: fc.option(oid),
    index: fc.option(oid),
    stages: fc.array(
      fc.record({
        mode: fc.constant('100644'),
        object: oid,
        stage: fc.constantFrom('1' as const, '3' as const),
        path: name,
        name,
      }),
    ),
    intent_to_add: fc.array(name),
    left_out: fc.array(name),
    filtered: fc.array(name),
    skip_worktree: fc.array(name),
    assume_unchanged: fc.array(name),
    sparse: fc.constant({ 'core.sparseCheckout': 'true' as const }),
    nested: fc.array(
      fc.record({ path: name, head: fc.option(oid), git: fc.option(name), folder: fc.boolean() }),
    ),
    usual_modes: fc.constant({ file: '664', executable: '775', folder: '2775' }),
    folders: fc.array(name),
    links: fc.array(fc.array(name)),
    modes: fc.constant({ 'a b': '600' }),
    state: fc.option(oid),
    refs: fc.constant({}),
    reasons: fc.array(fc.string()),
    ignored: fc.boolean(),
  });
  fc.assert(
    fc.property(message, given => {
      const text = formatMessage(given);
      expect(text).toMatch(/^[\u0000-\u007e]*$/);
      expect(parseMessage(text)).toEqual(given);
    }),
  );
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), text => {
      const parsed = parseMessage(text);
      if (parsed !== undefined) expect([1, 2]).toContain(parsed.schema);
    }),
  );
});

it.each([
  ['90m', 5_400_000],
  ['14d', 1_209_600_000],
  ['0', 0],
  ['1.5h', 5_400_000],
  ['', undefined],
  ['-1d', undefined],
  ['3 days', undefined],
])('parseDuration %s', (text, wanted) => {
  expect(parseDuration(text)).toBe(wanted);
});

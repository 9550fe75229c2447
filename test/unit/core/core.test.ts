import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAge } from '../../../src/core/age.ts';
import { isValidBranch, sanitizeBranch, worktreeFolder } from '../../../src/core/branch.ts';
import { findNearest } from '../../../src/core/nearest.ts';
import { printable, printableJson, printableText } from '../../../src/core/printable.ts';
import { repositoryId } from '../../../src/core/repository.ts';
import { generateSessionName } from '../../../src/core/session-name.ts';
import { SESSION_NAME } from '../../../src/core/identifiers.ts';
import { splitShellWords } from '../../../src/core/shell-words.ts';

describe('sanitizeBranch', () => {
  it.each([
    ['main', 'main'],
    ['feature/login', 'feature-login'],
    ['bugfix/issue-123', 'bugfix-issue-123'],
    ['release/v1.0.0', 'release-v100'],
    ['日本語', ''],
    ['-x-', 'x'],
  ])('%s becomes %s', (branch, folder) => {
    expect(sanitizeBranch(branch)).toBe(folder);
  });
});

describe('worktreeFolder', () => {
  it('gives a branch whose folder is taken a hash', () => {
    expect(worktreeFolder('feature-login', new Set(['feature-login']))).toMatch(
      /^feature-login-[0-9a-f]{6}$/,
    );
  });
  it('gives a branch that sanitizes to nothing a name', () => {
    expect(worktreeFolder('日本語', new Set())).toMatch(/^branch-[0-9a-f]{6}$/);
  });
  it('never gives a taken folder or one with other characters', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.array(fc.string()), (branch, others) => {
        const taken = new Set(others.map(sanitizeBranch));
        const folder = worktreeFolder(branch, taken);
        expect(folder).toMatch(/^[a-zA-Z0-9_-]+$/);
        expect(taken.has(folder)).toBe(false);
      }),
    );
  });
});

describe('isValidBranch', () => {
  const gitSays = (branch: string): boolean => {
    try {
      execFileSync('git', ['check-ref-format', `refs/heads/${branch}`], { stdio: 'ignore' });
      return !branch.startsWith('-') && branch !== 'HEAD' && branch !== '@';
    } catch {
      return false;
    }
  };
  it.each([
    'feat/login',
    'a.b',
    'a..b',
    'a.lock',
    'a/.b',
    'a b',
    'a~1',
    'x^',
    'a:b',
    '/a',
    'a/',
    'a//b',
    '-x',
    '@',
    'a@{b',
    'a\\b',
    'ü/日本',
    'HEAD',
    'a.',
    'x.lock/y',
    'a[b',
    'a*',
    '@x',
    'a\u0001b',
    'a\u007f',
  ])('judges %j as git does', branch => {
    expect(isValidBranch(branch)).toBe(gitSays(branch));
  });
  it('judges any text as git does', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '/', '.', '-', '@', '{', '~', ' ', 'lock', '..', '*', 'é'),
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(text, branch => {
        expect(isValidBranch(branch)).toBe(gitSays(branch));
      }),
      { numRuns: 150 },
    );
  });
});

it('repositoryId never depends on the folder alone', () => {
  const at = (commonDir: string): string => repositoryId({ root: '/x/my.project', commonDir, bare: false });
  expect(at('/x/my.project/.git')).toMatch(/^myproject-[0-9a-f]{6}$/);
  expect(at('/a/.git')).not.toBe(at('/b/.git'));
  expect(repositoryId({ root: '/x/日本', commonDir: '/x/日本/.git', bare: false })).toMatch(
    /^repo-[0-9a-f]{6}$/,
  );
});

it('generateSessionName gives two words that are free, even where nearly all are taken', () => {
  const taken = new Set<string>();
  for (let i = 0; i < 4200; i++) {
    const name = generateSessionName(taken, below => (i * 7919) % below);
    expect(taken.has(name)).toBe(false);
    expect(name).toMatch(SESSION_NAME);
    taken.add(name);
  }
});

describe('formatAge', () => {
  const minute = 60_000;
  it.each([
    [0, 'just now'],
    [-5000, 'just now'],
    [59_000, 'just now'],
    [2 * minute, '2m ago'],
    [120 * minute, '2h ago'],
    [2 * 1440 * minute, '2d ago'],
    [15 * 1440 * minute, '2w ago'],
    [61 * 1440 * minute, '2mo ago'],
    [NaN, 'just now'],
  ])('%d ms ago is %s', (ms, text) => {
    expect(formatAge(0, ms)).toBe(text);
  });
});

it('findNearest finds slips of the fingers only', () => {
  expect(findNearest('statsu', ['status', 'stop'])).toBe('status');
  expect(findNearest('rn', ['run', 'rm', 'ps'])).toBeDefined();
  expect(findNearest('completely-else', ['run', 'rm'])).toBeUndefined();
});

it('printable shows what would change the screen', () => {
  expect(printable('a\u001b[2Jb\r\n\u202e')).toBe('a\\x1b[2Jb\\x0d\\x0a\\u202e');
});
/** C0, DEL, C1, bidi, separators, zero width, tags, halves of pairs. */
const harmful = [
  ...[
    0, 7, 8, 0x1b, 0x7f, 0x80, 0x85, 0x9b, 0x9f, 0xad, 0x61c, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028,
  ],
  ...[0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2060, 0x2066, 0x2067, 0x2068, 0x2069, 0xd800, 0xdfff],
  ...[0xfeff, 0xfff9, 0x180e, 0x3164, 0xe0001, 0xe0041, 0xe007f, 0xe0100],
].map(code => String.fromCodePoint(code));
it.each(harmful)('printable shows %j, and JSON escapes it without changing it', char => {
  expect(printable(`a${char}b`)).toMatch(/^a\\(x[0-9a-f]{2}|u[0-9a-f]{4}|u\{[0-9a-f]+\})b$/);
  const json = printableJson({ [`k${char}`]: `a${char}b` });
  expect(json).toMatch(/^[ -~]+$/);
  expect(JSON.parse(json)).toEqual({ [`k${char}`]: `a${char}b` });
});
it('printable leaves text as it is: accents, scripts, emoji', () => {
  const text = 'é e\u0301 日本語 עברית ❤\ufe0f 👩 \ud83d\ude00 feature/login';
  expect(printable(text)).toBe(text);
  expect(printableText(`${text}\n\t${text}\r`)).toBe(`${text}\n\t${text}\\x0d`);
});

it('splitShellWords splits as a shell does', () => {
  expect(splitShellWords(`--a 'b c' "d\\"e" f\\ g ''`)).toEqual(['--a', 'b c', 'd"e', 'f g', '']);
  expect(splitShellWords(`'open`)).toBeUndefined();
});

import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followLog } from '../../../src/logs/follow.ts';
import { noteOwn } from '../../../src/logs/own-log.ts';
import { renderLine } from '../../../src/logs/line.ts';
import { createLogRenderer } from '../../../src/logs/render.ts';
import { findTail, readRange } from '../../../src/logs/tail.ts';
import { createLogWriter } from '../../../src/logs/writer.ts';
import { makeFolder, until } from '../../support/sandbox.ts';

let folder: string;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});
const ESC = '\u001b';

describe('renderLine', () => {
  it.each([
    ['plain', 'plain'],
    ['10%\r50%\r100%', '100%'],
    ['abc\rX', 'Xbc'],
    [`abc\rX${ESC}[K`, 'X'],
    [`${ESC}[31mred${ESC}[0m x`, 'red x'],
    [`${ESC}]0;title\u0007text`, 'text'],
    [`${ESC}]8;;http://x${ESC}\\link${ESC}]8;;${ESC}\\`, 'link'],
    [`${ESC}Pq#0${ESC}\\after`, 'after'],
    [`a${ESC}[?25l${ESC}[2Kb`, ' b'],
    ['ab\b\bcd', 'cd'],
    ['a\tb', 'a\tb'],
    [`x${ESC}[5Gy`, 'x   y'],
    [`a${ESC}(Bb${ESC}=c`, 'abc'],
    ['日本\r語', '語本'],
    ['bell\u0007', 'bell'],
    [`cut${ESC}[3`, 'cut'],
    [`cut${ESC}`, 'cut'],
  ])('%j shows %j', (raw, shown) => {
    expect(renderLine(raw, '', false).text).toBe(shown);
  });
  it('keeps colours for a terminal, and carries them into the next line', () => {
    expect(renderLine(`a${ESC}[31mb`, '', true)).toEqual({
      text: `a${ESC}[31mb${ESC}[0m`,
      style: `${ESC}[31m`,
    });
    expect(renderLine('c', `${ESC}[31m`, true).text).toBe(`${ESC}[31mc${ESC}[0m`);
    expect(renderLine(`${ESC}[0mx`, `${ESC}[31m`, true).text).toBe('x');
  });
  it('never lets a control character through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), raw => {
        expect(renderLine(raw.replaceAll('\n', ''), '', false).text).not.toMatch(
          /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/,
        );
      }),
    );
  });
});

describe('a line of moves and erasures', () => {
  it.each([
    ['to the right', '\u001b[9999Cx'],
    ['to a column', '\u001b[99999999Gx'],
    ['erased to the left', 'xxxxxxxx\u001b[1K'],
    ['deleted', '\u001b[Gxxxxxxx\u001b[G\u001b[9999P'],
    ['tabs and steps back', '\t\u001b[99D\t\u001b[C'],
  ])('%s gives no more than its own length and a screen of columns', (_what, part) => {
    const raw = part.repeat(20_000);
    const { text } = renderLine(raw, '', false);
    expect(text.length).toBeLessThanOrEqual(raw.length + 4096);
  });
  it('a long line wraps: what was printed stays', () => {
    const long = 'x'.repeat(10_000);
    expect(renderLine(`${long}\u001b[31mred\u001b[0m`, '', false).text).toBe(`${long}red`);
    expect(renderLine(`${long}\ry`, '', false).text.length).toBe(10_000);
  });
});

describe('the renderer', () => {
  it('gives the same text however the bytes are cut', () => {
    const bytes = Buffer.from(`é日本${ESC}[31mrot${ESC}[0m\r\nzwei\rdrei\r\n${'x'.repeat(300)}🎉 end`);
    const whole = (() => {
      const r = createLogRenderer({ colors: true, live: false });
      return r.push(bytes).toString() + r.end();
    })();
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), cuts => {
        const renderer = createLogRenderer({ colors: true, live: false });
        const at = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
        const text =
          at
            .slice(1)
            .map((end, i) => renderer.push(bytes.subarray(at[i], end)))
            .join('') + renderer.end();
        expect(text).toBe(whole);
      }),
    );
    expect(whole).toContain('é日本');
    expect(whole).not.toContain('\r');
  });
  it('shows an unfinished line at once where it is live, and redraws it', () => {
    const renderer = createLogRenderer({ colors: false, live: true });
    expect(renderer.push(Buffer.from('10%'))).toBe('10%');
    expect(renderer.push(Buffer.from('\r50%'))).toBe(`\r${ESC}[K50%`);
    expect(renderer.push(Buffer.from('!'))).toBe('!');
    expect(renderer.push(Buffer.from('\nnext\n'))).toBe('\nnext\n');
  });
});

describe('findTail', () => {
  const write = (name: string, text: string): string => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, text);
    return file;
  };
  const tail = (files: string[], lines: number, maxBytes = Infinity): string =>
    findTail(files, { lines, maxBytes })
      .ranges.map(r => [...readRange(r)].join(''))
      .join('');
  it('gives the last lines, with or without a last LF', () => {
    expect(tail([write('a', '1\n2\n3\n')], 2)).toBe('2\n3\n');
    expect(tail([write('a', '1\n2\n3')], 2)).toBe('2\n3');
    expect(tail([write('a', '1\n2\n3')], 9)).toBe('1\n2\n3');
    expect(tail([write('a', '1\n2\n')], 0)).toBe('');
    expect(tail([write('a', '')], 5)).toBe('');
    expect(tail([write('a', '\n\n\n')], 2)).toBe('\n\n');
  });
  it('reads across a rotation', () => {
    expect(tail([write('l.1', '1\n2\n3\n'), write('l', '4\n5\n')], 3)).toBe('3\n4\n5\n');
    expect(tail([path.join(folder, 'missing'), write('l', '4\n5\n')], 3)).toBe('4\n5\n');
    expect(tail([write('l.1', '1\n2'), write('l', '3\n4\n')], 2)).toBe('23\n4\n');
  });
  it('does what `tail -n` does, over block borders too', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 12 }),
        fc.nat(14),
        (lengths, lines) => {
          const all = lengths.map((n, i) => String.fromCharCode(97 + i).repeat(n));
          const file = write('p', all.map(l => `${l}\n`).join(''));
          expect(tail([file], lines)).toBe(
            all
              .slice(Math.max(0, all.length - lines))
              .map(l => `${l}\n`)
              .join(lines === 0 ? 'x' : '')
              .slice(0, lines === 0 ? 0 : undefined),
          );
        },
      ),
      { numRuns: 40 },
    );
  });
  it('says where it was cut', () => {
    expect(findTail([write('a', 'x'.repeat(500_000))], { lines: 1, maxBytes: 100_000 })).toMatchObject({
      cut: true,
    });
  });
});

describe('followLog', () => {
  const follow = (file: string, ended: () => boolean): { text: () => string; over: Promise<void> } => {
    let text = '';
    const over = followLog({
      file,
      start: 0,
      watch: [],
      ended,
      onBytes: bytes => {
        text += bytes.toString();
      },
    });
    return { text: () => text, over };
  };
  it('gives what comes, over truncation and rotation, and ends with every byte given', async () => {
    const file = path.join(folder, 'log');
    fs.writeFileSync(file, 'a');
    let done = false;
    const followed = follow(file, () => done);
    await until('first', () => followed.text() === 'a');
    fs.appendFileSync(file, 'b');
    await until('append', () => followed.text() === 'ab');
    fs.truncateSync(file, 0);
    fs.appendFileSync(file, 'c');
    await until('truncation', () => followed.text().endsWith('c'));
    fs.appendFileSync(file, 'd');
    fs.renameSync(file, `${file}.1`);
    fs.writeFileSync(file, 'e');
    await until('rotation', () => followed.text().endsWith('de'));
    done = true;
    fs.appendFileSync(file, 'f');
    await followed.over;
    expect(followed.text()).toMatch(/ab.*cdef$/);
  });
  it('waits for a log that is not there yet, and ends when it is removed', async () => {
    const file = path.join(folder, 'later');
    const followed = follow(file, () => false);
    fs.writeFileSync(file, 'x');
    await until('x', () => followed.text() === 'x');
    fs.rmSync(file);
    await followed.over;
  });
});

it('the writer rotates, and refuses a link in its place', () => {
  const file = path.join(folder, 's.log');
  const log = createLogWriter(file, 10);
  for (const part of ['0123456789', 'abc', 'def']) expect(log.write(Buffer.from(part))).toBe(true);
  log.close();
  expect(fs.readFileSync(`${file}.1`, 'utf8')).toBe('0123456789');
  expect(fs.readFileSync(file, 'utf8')).toBe('abcdef');
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  fs.symlinkSync('/etc/passwd', path.join(folder, 'link.log'));
  expect(() => createLogWriter(path.join(folder, 'link.log'), 10)).toThrow();
});

it("hjk's own log keeps 14 days, for the user alone", () => {
  for (const name of ['hjk-2026-01-01.log', 'hjk-2026-01-20.log', 'other.log'])
    fs.writeFileSync(path.join(folder, name), '');
  noteOwn(folder, Date.parse('2026-02-01T12:00:00Z'), { event: 'x', session: 's' });
  expect(fs.readdirSync(folder).sort()).toEqual(['hjk-2026-01-20.log', 'hjk-2026-02-01.log', 'other.log']);
  expect(JSON.parse(fs.readFileSync(path.join(folder, 'hjk-2026-02-01.log'), 'utf8'))).toMatchObject({
    event: 'x',
    session: 's',
    time: '2026-02-01T12:00:00.000Z',
  });
  expect(fs.statSync(path.join(folder, 'hjk-2026-02-01.log')).mode & 0o777).toBe(0o600);
});

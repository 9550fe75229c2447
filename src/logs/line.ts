import { printable } from '../core/printable.ts';

/** Any char that a plain line has not: C0 and C1 controls but for the tab. */

const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/;

/** Escape sequences, as ECMA-48 has them, with the strings of terminals (OSC, DCS, …). Sticky: matched at a position. */

const SEQUENCE =
  /(?:\u001b\[|\u009b)([0-?]*)[ -/]*([@-~])|(?:\u001b\[|\u009b)[0-?]*[ -/]*$|\u001b[\]PX^_].*?(?:\u0007|\u001b\\|$)|\u001b[ -/]*[0-~]?/sy;

/** Chars that turn what follows around, end lines or hide text. */
const TURNING = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|[\u{e0000}-\u{e007f}]/gu;

const RESET = '\u001b[0m';

/**
 * Columns of the terminal that is drawn on. No move leads past its edge and what is printed there wraps, as on every terminal, so
 * that a line of nothing but moves and erasures costs what its own length allows.
 */
const WIDTH = 4096;

interface Cell {
  readonly char: string;
  readonly style: string;
}

const BLANK: Cell = { char: ' ', style: '' };

export interface RenderedLine {
  readonly text: string;
  /** Colours in force at the end: the next line begins with them. */
  readonly style: string;
}

/**
 * What a terminal shows of one raw line (without its LF): carriage returns and backspaces overwrite, erasures erase, every
 * other control sequence goes. Colours stay if `colors`.
 */
export function renderLine(line: string, style: string, colors: boolean): RenderedLine {
  const raw = line.replaceAll(TURNING, printable);
  if (!CONTROL.test(raw))
    return { text: colors && style !== '' && raw !== '' ? style + raw + RESET : raw, style };
  let cells: Cell[] = [];
  let wrapped = '';
  let column = 0;
  let current = style;
  for (let i = 0; i < raw.length;) {
    const char = String.fromCodePoint(raw.codePointAt(i) ?? 0);
    if (char === '\u001b' || char === '\u009b') {
      SEQUENCE.lastIndex = i;
      const match = SEQUENCE.exec(raw);
      i += match === null || match[0] === '' ? 1 : match[0].length;
      if (match?.[2] === undefined) continue;
      const amount = Number.parseInt(match[1] ?? '', 10);
      const count = Number.isNaN(amount) ? 0 : Math.min(amount, 10_000);
      if (match[2] === 'm') current = applyStyle(current, match[1] ?? '');
      else if (match[2] === 'K') erase(cells, column, count);
      else if (match[2] === 'G') column = Math.min(WIDTH, Math.max(1, count)) - 1;
      else if (match[2] === 'C') column = Math.min(WIDTH - 1, column + Math.max(1, count));
      else if (match[2] === 'D') column = Math.max(0, column - Math.max(1, count));
      else if (match[2] === 'P') cells.splice(column, Math.max(1, count));
      continue;
    }
    i += char.length;
    if (char === '\r') column = 0;
    else if (char === '\b') column = Math.max(0, column - 1);
    else if (char === '\t' || !CONTROL.test(char)) {
      if (column >= WIDTH) {
        wrapped += draw(cells, colors);
        cells = [];
        column = 0;
      }
      while (cells.length < column) cells.push(BLANK);
      cells[column++] = { char, style: current };
    }
  }
  return { text: wrapped + draw(cells, colors), style: current };
}

function applyStyle(current: string, parameters: string): string {
  if (/^(0*;)*0*$/.test(parameters)) return '';
  const reset = /(?:^|;)0*;/.test(`${parameters};`) && /^0*;/.test(parameters);
  const next = `${reset ? '' : current}\u001b[${parameters}m`;
  return next.length > 200 ? `\u001b[${parameters}m` : next;
}

function erase(cells: Cell[], column: number, mode: number): void {
  if (mode === 0) cells.length = Math.min(cells.length, column);
  else if (mode === 2) cells.length = 0;
  else for (let i = 0; i <= column && i < cells.length; i++) cells[i] = BLANK;
}

function draw(cells: readonly Cell[], colors: boolean): string {
  return colors ? paint(cells) : cells.map(cell => cell.char).join('');
}

function paint(cells: readonly Cell[]): string {
  let text = '';
  let style = '';
  for (const cell of cells) {
    if (cell.style !== style) text += (style === '' ? '' : RESET) + cell.style;
    style = cell.style;
    text += cell.char;
  }
  return style === '' ? text : text + RESET;
}

import { StringDecoder } from 'node:string_decoder';
import { renderLine } from './line.ts';

/** A line longer than this is given out in parts: nothing may hold a log in memory. */
const LONGEST = 1024 * 1024;

export interface LogRenderer {
  /** Readable text of the bytes so far; what is cut by the end of a block waits for the next one. */
  push(bytes: Buffer): string | Buffer;
  /** The rest: a last line without LF. */
  end(): string;
}

export interface RenderOptions {
  readonly colors: boolean;
  /** Shows an unfinished line at once and redraws it when it changes: for a terminal that follows. */
  readonly live: boolean;
}

/** Anything that would have to be drawn or decoded. */

const NOT_PLAIN = /[^\t\n\u0020-\u007e]/;
const LF = 10;
/** Blocks of plain text without a line's end, from which on a line is passed on as it comes. */
const LONG = 32 * 1024;

export function createLogRenderer(options: RenderOptions): LogRenderer {
  const decoder = new StringDecoder('utf8');
  let pending = '';
  let style = '';
  /** What of the unfinished line is on the screen. */
  let shown = '';

  const finish = (raw: string, terminator: string): string => {
    const line = renderLine(
      raw.endsWith('\r') && terminator !== '' ? raw.slice(0, -1) : raw,
      style,
      options.colors,
    );
    style = line.style;
    const text = redraw(line.text) + terminator;
    shown = '';
    return text;
  };
  const redraw = (text: string): string =>
    text.startsWith(shown) ? text.slice(shown.length) : `\r\u001b[K${text}`;
  const take = (text: string): string => {
    const parts: string[] = [];
    let from = 0;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      parts.push(finish(pending + text.slice(from, at), '\n'));
      pending = '';
      from = at + 1;
    }
    pending += text.slice(from);
    if (pending.length > LONGEST) {
      parts.push(finish(pending, ''));
      pending = '';
    } else if (options.live && pending !== '') {
      const partial = renderLine(pending, style, options.colors).text;
      parts.push(redraw(partial));
      shown = partial;
    }
    return parts.join('');
  };
  /** Passes a long block of plain text on as it is, but for a last line that is not finished. */
  const passPlain = (bytes: Buffer): string | Buffer | undefined => {
    if (options.live || style !== '' || bytes.length < LONG || NOT_PLAIN.test(bytes.toString('latin1')))
      return undefined;
    const begun = pending === '' ? '' : finish(pending, '');
    const cut = bytes.lastIndexOf(LF) + 1;
    pending = cut === 0 ? '' : bytes.toString('latin1', cut);
    if (begun === '') return cut === 0 ? bytes : bytes.subarray(0, cut);
    return begun + bytes.toString('latin1', 0, cut === 0 ? bytes.length : cut);
  };
  return {
    push: bytes => passPlain(bytes) ?? take(decoder.write(bytes)),
    end() {
      const text = take(decoder.end());
      return pending === '' ? text : text + finish(pending, '\n');
    },
  };
}

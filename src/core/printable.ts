/**
 * What a terminal or a reader could take for something other than the text that it is in: control characters (C0, DEL, C1), marks
 * that turn or hide text (bidi, zero width, tags, variation selectors beyond those of emoji), separators that count as line ends,
 * halves of surrogate pairs.
 */
const HARMFUL =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\p{Surrogate}]|[\u{13430}-\u{1345f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/** Makes text from outside (names, git's and the engine's messages) safe for a terminal: what could do harm is shown as an escape. */
export function printable(text: string): string {
  return text.replaceAll(HARMFUL, escapeOf);
}

function escapeOf(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code < 256) return `\\x${code.toString(16).padStart(2, '0')}`;
  const hex = code.toString(16).padStart(4, '0');
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex}`;
}

/** The same for text of several lines: line ends and tabs stay. */
export function printableText(text: string): string {
  return text
    .split(/(\n|\t)/)
    .map((part, i) => (i % 2 === 1 ? part : printable(part)))
    .join('');
}

/** JSON that is safe to look at: the same characters, escaped as JSON has it, so that its value is unchanged. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(HARMFUL, char =>
    Array.from(
      { length: char.length },
      (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

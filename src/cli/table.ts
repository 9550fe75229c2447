/** Columns of a text on a terminal: 2 for wide chars, 0 for marks that combine and for colours. */
function width(text: string): number {
  let columns = 0;
  for (const char of process.getBuiltinModule('node:util').stripVTControlCharacters(text)) {
    if (/\p{Mark}/u.test(char)) continue;
    columns +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}]/u.test(
        char,
      )
        ? 2
        : 1;
  }
  return columns;
}

/** Rows under a header, columns two blanks apart. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map(row => width(row[column] ?? ''))));
  return all
    .map(row =>
      row
        .map((cell, i) =>
          i === row.length - 1 ? cell : cell + ' '.repeat((widths[i] ?? 0) - width(cell) + 2),
        )
        .join('')
        .trimEnd(),
    )
    .join('\n');
}

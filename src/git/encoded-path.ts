/**
 * Names that git does not take into an index or a tree, such as `.git`, `.GIT` or `git~1`, stand in a snapshot under another
 * name: `hjk%` and then each byte but letters, digits, `_` and `-` as `%` and two hex digits. Paths are latin1 text.
 */
const PREFIX = 'hjk%';

export function encodePath(file: string, mode: string): string {
  return file
    .split('/')
    .map(part => (isRefused(part, mode) ? PREFIX + part.replaceAll(/[^A-Za-z0-9_-]/g, toHex) : part))
    .join('/');
}

/** Undefined where it is nothing that `encodePath` gives. */
export function decodePath(encoded: string): string | undefined {
  const parts = encoded.split('/').map(part => {
    if (!part.startsWith(PREFIX)) return isRefused(part, '') ? undefined : part;
    const rest = part.slice(PREFIX.length);
    if (!/^(?:[A-Za-z0-9_-]|%[0-9a-f]{2})+$/.test(rest)) return undefined;
    return rest.replaceAll(/%(..)/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  });
  return parts.every(part => part !== undefined) ? parts.join('/') : undefined;
}

/** Whether some git refuses the name, whatever `core.protectHFS` and `core.protectNTFS` say. Rather too many than one too few. */
function isRefused(part: string, mode: string): boolean {
  const ascii = part.replaceAll(/[^\u0020-\u007e]/g, '').toLowerCase();
  return (
    part.startsWith(PREFIX) ||
    ascii === '.git' ||
    /[\\:]|^gi.*~\d|[. ]$/i.test(part) ||
    (mode === '120000' && /^\.git[a-z]/.test(ascii))
  );
}

function toHex(char: string): string {
  return `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

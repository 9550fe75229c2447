/** The first `length` hex digits of the text's sha256. The library is loaded with the first call: `ps` often needs none. */
export function shortHash(text: string, length: number): string {
  return process
    .getBuiltinModule('node:crypto')
    .createHash('sha256')
    .update(text)
    .digest('hex')
    .slice(0, length);
}

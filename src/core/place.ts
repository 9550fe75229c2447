/** Whether `place` is `folder` or lies in it: both plain paths, without `.`, `..` and a slash at the end. */
export function isAtOrBelow(place: string, folder: string): boolean {
  return place === folder || place.startsWith(`${folder === '/' ? '' : folder}/`);
}

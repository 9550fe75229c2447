const steps: readonly (readonly [limit: number, seconds: number, unit: string])[] = [
  [3600, 60, 'm'],
  [86_400, 3600, 'h'],
  [604_800, 86_400, 'd'],
  [2_592_000, 604_800, 'w'],
  [Infinity, 2_592_000, 'mo'],
];

/** `just now`, `2m ago`, `2h ago`, `2d ago`, `2w ago`, `2mo ago`. Both times in ms; a time in the future is `just now`. */
export function formatAge(then: number, now: number): string {
  const seconds = (now - then) / 1000;
  if (!(seconds >= 60)) return 'just now';
  const step = steps.find(([limit]) => seconds < limit);
  return step === undefined ? 'just now' : `${String(Math.floor(seconds / step[1]))}${step[2]} ago`;
}

const units: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `90m`, `12h`, `14d`, `2w`, or a plain number of days, in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([smhdw]?)$/.exec(text.trim());
  if (match?.[1] === undefined) return undefined;
  return Number(match[1]) * (units[match[2] === '' ? 'd' : (match[2] ?? 'd')] ?? 0);
}

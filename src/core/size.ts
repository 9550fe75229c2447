const units: Record<string, number> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** Bytes of `512m`, `1.5g`, `256MiB`, `1024`: docker's syntax, units of 1024. Undefined where it is no size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([bkmgt]?)|([kmgt])i?b)$/i.exec(text.trim());
  if (match === null) return undefined;
  const unit = units[(match[2] ?? match[3] ?? '').toLowerCase()];
  const bytes = unit === undefined ? NaN : Math.floor(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `812 B`, `2.0 KiB`, `1.2 GiB`. */
export function formatBytes(bytes: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < names.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${names[unit] ?? ''}`;
}

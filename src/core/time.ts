/** RFC 3339 with any number of fractional digits and an offset, as Go writes it. */
export const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds since 1970, or NaN. `Date.parse` takes at most what it knows of the fraction, which is enough for an age. */
export function parseTime(text: string): number {
  return RFC3339.test(text) ? Date.parse(text) : NaN;
}

export function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** `0.32 s`, `12.0 s`. */
export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

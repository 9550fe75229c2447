export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms);
  });
}

/** Asks `probe` every `everyMs` until it gives something other than undefined, or undefined after `limitMs`. */
export async function poll<T>(
  probe: () => T | undefined | Promise<T | undefined>,
  limits: { everyMs: number; limitMs: number },
): Promise<T | undefined> {
  const deadline = performance.now() + limits.limitMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined || performance.now() >= deadline) return found;
    await sleep(limits.everyMs);
  }
}

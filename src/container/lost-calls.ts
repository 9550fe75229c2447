import { sleep } from '../process/sleep.ts';

/**
 * How often a call is made that podman's service loses because others come and go beside it: with 4.3, four builds at once among
 * removals lose one call in five.
 */
export const LOST_CALL_TRIES = 6;

/** The wait before the next try, in milliseconds. */
export const LOST_CALL_WAIT_MS = 200;

/**
 * Whether podman's service (seen with 4.3) lost a call by what others did meanwhile, says its message:
 * - a step of a build ends with the thread that started it ("signal: killed"); the steps before it are kept;
 * - whatever looks at all images, as a list and the search for a kept step do, fails where one of them has just been removed.
 */
export function wasLost(said: string): boolean {
  return /while running runtime: signal: killed|(image|layer) not known/.test(said);
}

/** Tries `action` again where it throws what `isLost` takes for a lost call. */
export async function repeatLost<T>(
  action: () => Promise<T>,
  isLost: (error: unknown) => boolean,
): Promise<T> {
  for (let tries = LOST_CALL_TRIES; ; tries--)
    try {
      return await action();
    } catch (error) {
      if (tries === 1 || !isLost(error)) throw error;
      await sleep(LOST_CALL_WAIT_MS);
    }
}

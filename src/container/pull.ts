import type Docker from 'dockerode';
import type { RegistryAuth } from './registry-auth.ts';

/** One line of the engine's answer to a pull. */
interface PullEvent {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
}

/** Adds up what the engine says of the layers, and tells it in one line: `3/7 layers, 41.2 of 120.5 MB, 12.3 MB/s`. */
class PullProgress {
  readonly #layers = new Map<string, { done: boolean; current: number; total: number }>();
  readonly #since: number;

  /** @param now ms, of a clock that does not jump */
  constructor(now: number) {
    this.#since = now;
  }

  add(event: PullEvent): void {
    const { id, status = '', progressDetail } = event;
    if (id === undefined || /^Pulling from/.test(status)) return;
    const layer = this.#layers.get(id) ?? { done: false, current: 0, total: 0 };
    if (status === 'Downloading') {
      layer.current = progressDetail?.current ?? layer.current;
      layer.total = Math.max(layer.total, progressDetail?.total ?? 0);
    } else if (/^(Download complete|Pull complete|Already exists|Extracting|Verifying)/.test(status)) {
      layer.current = layer.total;
      layer.done = /^(Pull complete|Already exists)/.test(status);
    }
    this.#layers.set(id, layer);
  }

  text(now: number): string {
    const layers = [...this.#layers.values()];
    const sum = (key: 'current' | 'total'): number => layers.reduce((all, layer) => all + layer[key], 0);
    const [current, total] = [sum('current'), sum('total')];
    const seconds = (now - this.#since) / 1000;
    const done = layers.filter(layer => layer.done).length;
    return [
      `${String(done)}/${String(layers.length)} layers`,
      ...(total > 0 ? [`${megabytes(current)} of ${megabytes(total)} MB`] : []),
      ...(current > 0 && seconds > 0.5 ? [`${megabytes(current / seconds)} MB/s`] : []),
    ].join(', ');
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/**
 * Fetches an image. @param tell what was reached so far, for people
 * @throws Error with the engine's words, or with a system error's `code` where it does not answer
 */
export async function pullImage(
  docker: Docker,
  what: { readonly reference: string; readonly auth: RegistryAuth | undefined },
  tell: (text: string) => void,
): Promise<void> {
  const { reference, auth } = what;
  // without a tag the engine would fetch all there are
  const whole = /(:[\w][\w.-]*|@[a-z0-9]+:[0-9a-f]+)$/.test(reference) ? reference : `${reference}:latest`;
  const stream: NodeJS.ReadableStream = await docker.pull(
    whole,
    auth === undefined ? {} : { authconfig: auth as Docker.AuthConfig },
  );
  const progress = new PullProgress(performance.now());
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error, events: PullEvent[] | null) => {
        const said = events?.find(event => event.error !== undefined)?.error;
        if (said !== undefined) reject(new Error(said));
        else if (error === null) resolve();
        else reject(error);
      },
      (event: PullEvent) => {
        progress.add(event);
        tell(progress.text(performance.now()));
      },
    );
  });
}

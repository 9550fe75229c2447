import type { ContainerExec } from '../../container/port.ts';
import { createStreamSplitter } from '../../container/streams.ts';
import { insideScript } from './inside-script.ts';

/** The instance's container, as the bridge needs it. */
export interface Inside {
  readonly exec: ContainerExec;
  readonly container: string;
  readonly user: string | undefined;
  readonly env: readonly string[];
  /** Where the worktree is inside. */
  readonly worktree: string;
  /** Where the container's own git directory is inside. */
  readonly directory: string;
}

/** What a program inside said is no word of ours: too long, not of the form, too late. */
export class HostileAnswer extends Error {}

const LONGEST_MS = 30_000;
/** Of one answer, packs included. */
export const MOST_BYTES = 1024 ** 3;

/**
 * Runs the bridge's program inside and gives its output as it comes. Bounded in time and length; nobody waits for its end.
 * @throws HostileAnswer; HeadjackError not_running
 */
export async function askInside(
  inside: Inside,
  args: readonly string[],
  /** A char a byte. */
  input?: string,
): Promise<AsyncIterable<Buffer>> {
  const running = await inside.exec.start({
    container: inside.container,
    command: ['sh', '-c', insideScript, 'hjk-bridge', ...args],
    env: inside.env,
    user: inside.user,
    workdir: inside.worktree,
    tty: false,
    stdin: input !== undefined,
  });
  const { stream } = running;
  stream.on('error', () => undefined); // told by the iteration
  if (input !== undefined) stream.end(Buffer.from(input, 'latin1'));
  return read(stream);
}

async function* read(
  stream: AsyncIterable<Buffer> & { destroy(error?: Error): unknown },
): AsyncIterable<Buffer> {
  const timer = setTimeout(() => {
    stream.destroy(new HostileAnswer('the git inside did not answer within 30 s'));
  }, LONGEST_MS);
  let total = 0;
  let out: Buffer[] = [];
  const split = createStreamSplitter((name, bytes) => {
    if (name === 'stdout') out.push(bytes);
  });
  try {
    for await (const chunk of stream) {
      total += chunk.length;
      if (total > MOST_BYTES) throw new HostileAnswer('the git inside says more than a gigabyte');
      split(chunk);
      for (const bytes of out) yield bytes;
      out = [];
    }
  } finally {
    clearTimeout(timer);
    stream.destroy();
  }
}

/** Takes lines off the front of a stream; what follows them is given as it comes. */
export class Lines {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next line without its end, as latin1. @throws HostileAnswer where none ends within `longest` bytes */
  async next(longest: number): Promise<string> {
    let from = 0;
    for (;;) {
      const end = this.#rest.indexOf(10, from);
      if (end > longest || (end < 0 && this.#rest.length > longest))
        throw new HostileAnswer('the git inside answers with a line that is too long');
      if (end >= 0) {
        const line = this.#rest.toString('latin1', 0, end);
        this.#rest = this.#rest.subarray(end + 1);
        return line;
      }
      from = this.#rest.length;
      const more = await this.#source.next();
      if (more.done === true) throw new HostileAnswer('the git inside broke off its answer');
      this.#rest = Buffer.concat([this.#rest, more.value]);
    }
  }

  /** At least so many bytes, if there are so many; they stay. */
  async peek(count: number): Promise<Buffer> {
    while (this.#rest.length < count) {
      const more = await this.#source.next();
      if (more.done === true) break;
      this.#rest = Buffer.concat([this.#rest, more.value]);
    }
    return this.#rest.subarray(0, count);
  }

  /** Everything that is left. */
  async *remaining(): AsyncIterable<Buffer> {
    if (this.#rest.length > 0) yield this.#rest;
    this.#rest = Buffer.alloc(0);
    for (let more = await this.#source.next(); more.done !== true; more = await this.#source.next())
      yield more.value;
  }

  /** Nothing more is read; the program's output is closed. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

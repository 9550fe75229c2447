import { HostileAnswer, type Lines } from './inside.ts';

/** What the container's git has, as it says itself. */
export interface InsideRefs {
  readonly tip: string | undefined;
  /** A ref's name, a commit, or undefined. */
  readonly head: string | undefined;
  readonly refs: ReadonlyMap<string, string>;
}

const OBJECT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const LONGEST_LINE = 4096;
const MOST_REFS = 200_000;

/**
 * Reads what `look` prints before its pack: `hjk1 <tip> <head>`, refs, a dot.
 * @param hexLength of the repository's object names
 * @throws HostileAnswer for anything of another form
 */
export async function readRefs(answer: Lines, hexLength: number): Promise<InsideRefs> {
  const object = (text: string): boolean => text.length === hexLength && OBJECT.test(text);
  const [magic, tip = '', head = '', ...more] = (await answer.next(LONGEST_LINE)).split(' ');
  const headIsRef = /^refs\/[\u0021-\u00ff]+$/.test(head);
  if (
    magic !== 'hjk1' ||
    more.length > 0 ||
    !(tip === '-' || object(tip)) ||
    !(head === '-' || headIsRef || object(head))
  )
    throw new HostileAnswer('the git inside answers in a form that is not known');
  const refs = new Map<string, string>();
  for (let lines = 0; ; lines++) {
    const line = await answer.next(LONGEST_LINE);
    if (line === '.') break;
    const space = line.indexOf(' ');
    const name = line.slice(space + 1);
    if (!object(line.slice(0, space)) || !name.startsWith('refs/'))
      throw new HostileAnswer('the git inside lists refs that are none');
    if (lines >= MOST_REFS) throw new HostileAnswer('the git inside lists more refs than could be');
    refs.set(name, line.slice(0, space));
  }
  return {
    tip: tip === '-' ? undefined : tip,
    head: head === '-' ? undefined : head,
    refs,
  };
}

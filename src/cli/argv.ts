import { HeadjackError } from '../errors.ts';

/** An option of hjk's own that may stand beside the words of `exec` and `agent`. */
interface OptionShape {
  readonly short?: string;
  readonly long: readonly string[];
  readonly takesValue: boolean;
}

const globalOptions: readonly OptionShape[] = [
  { short: 'C', long: [], takesValue: true },
  { long: ['config'], takesValue: true },
  { long: ['catalog'], takesValue: true },
  { short: 'v', long: ['verbose'], takesValue: false },
  { short: 'h', long: ['help'], takesValue: false },
];
const sessionOptions: readonly OptionShape[] = [
  { short: 'd', long: ['detach', 'detached'], takesValue: false },
  { short: 'n', long: ['name'], takesValue: true },
];
const execOptions: readonly OptionShape[] = [
  ...globalOptions,
  ...sessionOptions,
  { long: ['no-mux'], takesValue: false },
  { long: ['json'], takesValue: false },
];
const agentOptions: readonly OptionShape[] = [
  ...globalOptions,
  ...sessionOptions,
  { short: 'p', long: ['prompt'], takesValue: true },
];

export interface PreparedArgv {
  /** For commander: options first, then `--` and the words. */
  readonly argv: readonly string[];
  /** What stood after `--`, of commands that hand it on. */
  readonly trailing: readonly string[];
}

/** Index of the command's name: the first word that is neither an option nor an option's value. */
function commandIndex(argv: readonly string[]): number {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') return -1;
    if (!word.startsWith('-') || word === '-') return i;
    const option = globalOptions.find(
      o => word === `-${o.short ?? ''}` || o.long.some(long => word === `--${long}`),
    );
    if (option?.takesValue === true) i++;
  }
  return -1;
}

/**
 * Prepares argv for commander, whose own pass-through stops at the branch: words of `exec` and `agent` are told from hjk's
 * options here, `-v a:b` of `run` from `--verbose`, and what follows `--` is kept apart.
 * @throws HeadjackError usage for an unknown option before the command of `exec`
 */
export function prepareArgv(argv: readonly string[]): PreparedArgv {
  const at = commandIndex(argv);
  const name = argv[at];
  const before = argv.slice(0, Math.max(0, at));
  const rest = argv.slice(at + 1);
  if (name === 'exec') {
    const { options, words } = splitExec(rest);
    return { argv: [...before, name, ...options, '--', ...words], trailing: [] };
  }
  if (name === 'agent' || name === 'run' || name === 'recreate') {
    const dashes = indexOfDashes(rest, name === 'agent' ? agentOptions : globalOptions);
    const own = dashes < 0 ? rest : rest.slice(0, dashes);
    return {
      argv: [...before, name, ...(name === 'agent' ? own : volumeFlags(own))],
      trailing: dashes < 0 ? [] : rest.slice(dashes + 1),
    };
  }
  return { argv, trailing: [] };
}

/** Index of the first `--` that is not the value of an option. */
function indexOfDashes(words: readonly string[], options: readonly OptionShape[]): number {
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === '--') return i;
    if (word.startsWith('-')) i += valueFollows(word, options) ? 1 : 0;
  }
  return -1;
}

function valueFollows(word: string, options: readonly OptionShape[]): boolean {
  if (word.startsWith('--')) return options.some(o => o.takesValue && o.long.includes(word.slice(2)));
  const found = options.find(o => o.short === word.slice(-1));
  return found?.takesValue === true && isCluster(word, options);
}

/** Whether all but the last letter of `-abc` are options without a value. */
function isCluster(word: string, options: readonly OptionShape[]): boolean {
  return word
    .slice(1, -1)
    .split('')
    .every(letter => options.some(o => o.short === letter && !o.takesValue));
}

/**
 * The first word is the branch; hjk's options, with their values, are taken before and after it until the next word or the
 * first `--`, which is dropped; the rest is the command's, verbatim.
 */
function splitExec(rest: readonly string[]): { options: string[]; words: string[] } {
  const options: string[] = [];
  const words: string[] = [];
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] ?? '';
    if (word === '--') {
      words.push(...rest.slice(i + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      if (words.length > 0) {
        words.push(...rest.slice(i));
        break;
      }
      words.push(word);
      continue;
    }
    requireKnown(word);
    options.push(word);
    const value = rest[i + 1];
    if (valueFollows(word, execOptions) && value !== undefined) {
      options.push(value);
      i++;
    }
  }
  return { options, words };
}

function requireKnown(word: string): void {
  const known = word.startsWith('--')
    ? execOptions.some(o =>
        o.long.some(long => word === `--${long}` || (o.takesValue && word.startsWith(`--${long}=`))),
      )
    : knownLetters(word);
  if (known) return;
  throw new HeadjackError('usage', `unknown option '${word}'`, {
    hint: `if it belongs to the command, write -- before the command`,
  });
}

/** `-d`, `-dn name`, `-nname`. */
function knownLetters(word: string): boolean {
  for (const letter of word.slice(1)) {
    const option = execOptions.find(o => o.short === letter);
    if (option === undefined) return false;
    if (option.takesValue) return true; // the rest of the word is its value
  }
  return word.length > 1;
}

/** `-v` before a word that holds `:` or begins with `/` is `--volume`: no branch looks so. */
function volumeFlags(words: readonly string[]): string[] {
  return words.map((word, i) => {
    const next = words[i + 1] ?? '';
    return word === '-v' && (next.includes(':') || next.startsWith('/')) ? '--volume' : word;
  });
}

import { HeadjackError } from '../errors.ts';

/** How often a flag may be given, and whether it takes a value. */
type Kind = 'one' | 'many' | 'switch';

/** The flags of `docker run` that are taken, with its short names. */
const known = {
  memory: { kind: 'one', short: 'm' },
  cpus: { kind: 'one' },
  'pids-limit': { kind: 'one' },
  network: { kind: 'one', also: 'net' },
  env: { kind: 'many', short: 'e' },
  'env-file': { kind: 'many' },
  volume: { kind: 'many', short: 'v' },
  publish: { kind: 'many', short: 'p' },
  mount: { kind: 'many' },
  privileged: { kind: 'switch' },
  'cap-add': { kind: 'many' },
  'cap-drop': { kind: 'many' },
  device: { kind: 'many' },
  gpus: { kind: 'one' },
  'shm-size': { kind: 'one' },
  'add-host': { kind: 'many' },
  dns: { kind: 'many' },
  tmpfs: { kind: 'many' },
  ulimit: { kind: 'many' },
  hostname: { kind: 'one', short: 'h' },
  label: { kind: 'many', short: 'l' },
  'security-opt': { kind: 'many' },
  user: { kind: 'one', short: 'u' },
  entrypoint: { kind: 'one' },
} as const satisfies Record<string, { kind: Kind; short?: string; also?: string }>;

export type RunFlagName = keyof typeof known;

export interface RunFlag {
  readonly name: RunFlagName;
  /** As written; '' for a switch. */
  readonly value: string;
}

const names = Object.keys(known) as RunFlagName[];

/**
 * Reads words as `docker run` would: `--flag value`, `--flag=value`, `-m4g`, `-m 4g`. Of flags that are to be given once the last
 * one counts. Values are not looked into.
 * @param source what the words are of, for errors: `--`, `runtime.flags`
 * @throws HeadjackError usage, with every flag that is not known
 */
export function readRunFlags(words: readonly string[], source: string): RunFlag[] {
  const flags: RunFlag[] = [];
  const unknown: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const found = match(word);
    if (found === undefined) {
      unknown.push(word);
      // what follows an unknown flag may be its value
      while (rest[0] !== undefined && !rest[0].startsWith('-')) rest.shift();
      continue;
    }
    const { name, flag } = found;
    let { value } = found;
    if (known[name].kind === 'switch') {
      const on = value ?? 'true';
      if (!/^(true|false|1|0|t|f)$/i.test(on))
        throw wrong(source, `invalid argument ${JSON.stringify(on)} for ${flag}: it is true or false`);
      if (/^(true|1|t)$/i.test(on)) flags.push({ name, value: '' });
      continue;
    }
    value ??= rest.shift();
    if (value === undefined) throw wrong(source, `flag needs an argument: ${flag}`);
    flags.push({ name, value });
  }
  if (unknown.length > 0)
    throw wrong(source, `not a flag that can be given to the container: ${unknown.join(' ')}`, {
      hint: `those that can: ${names.map(name => `--${name}`).join(' ')}`,
    });
  return flags.filter(
    (flag, i) =>
      known[flag.name].kind === 'many' || !flags.slice(i + 1).some(later => later.name === flag.name),
  );
}

function match(word: string): { name: RunFlagName; flag: string; value: string | undefined } | undefined {
  const long = /^--([a-z-]+)(?:=(.*))?$/s.exec(word);
  if (long !== null) {
    const [, text = '', value] = long;
    const name = names.find(n => n === text || ('also' in known[n] && known[n].also === text));
    return name === undefined ? undefined : { name, flag: `--${name}`, value };
  }
  const short = /^-([a-zA-Z])(?:=?(.+))?$/s.exec(word);
  if (short === null) return undefined;
  const [, letter = '', value] = short;
  const name = names.find(n => 'short' in known[n] && known[n].short === letter);
  return name === undefined ? undefined : { name, flag: `-${letter}`, value };
}

function wrong(source: string, what: string, info: { hint?: string } = {}): HeadjackError {
  return new HeadjackError('usage', `${source}: ${what}`, {
    hint: info.hint ?? 'docker run --help shows how the flags are written',
  });
}

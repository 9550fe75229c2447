import { LineCounter, parseDocument, type Document } from 'yaml';
import { HeadjackError, errnoOf, messageOf } from '../errors.ts';
import { printable } from '../core/printable.ts';
import { configSchema, knownKeys, type ConfigFile } from './schema.ts';
import { readRegular } from '../process/regular-file.ts';

export interface LoadedConfig {
  readonly file: ConfigFile;
  /** The document with its comments, for `hjk config <key> <value>`. */
  readonly document: Document;
  /** Keys that nothing reads, as `file:line: key`. */
  readonly unknown: readonly string[];
}

/** Whether a key, as a list of its parts, is known or leads to a known one. */
export function isKnownKey(parts: readonly string[], kind: 'exact' | 'section'): boolean {
  return knownKeys.some(known => {
    const wanted = known.split('.');
    if (kind === 'exact' ? wanted.length !== parts.length : wanted.length <= parts.length) return false;
    return parts.every((part, i) => wanted[i] === '*' || wanted[i] === part);
  });
}

function lineOf(document: Document, key: readonly PropertyKey[], lines: LineCounter): number {
  for (let length = key.length; length > 0; length--) {
    const node = document.getIn(key.slice(0, length).map(String), true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
      return lines.linePos(Number(node.range[0])).line;
    }
  }
  return 1;
}

function collectUnknown(value: unknown, parts: readonly string[], found: string[][]): void {
  if (parts.length > 0 && !isKnownKey(parts, 'exact') && !isKnownKey(parts, 'section')) {
    found.push([...parts]);
    return;
  }
  if (isKnownKey(parts, 'exact') && !isKnownKey(parts, 'section')) return;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  for (const [key, child] of Object.entries(value)) collectUnknown(child, [...parts, key], found);
}

/**
 * Parses and checks config.yaml.
 * @throws HeadjackError config_invalid with all problems, each as `<file>:<line>: <key>: <what>`
 */
export function parseConfig(text: string, file: string): LoadedConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const invalid = (problems: readonly string[]): HeadjackError =>
    new HeadjackError(
      'config_invalid',
      `${file} cannot be used: ${String(problems.length)} problem${problems.length === 1 ? '' : 's'}`,
      {
        details: problems,
        hint: 'correct the file, for instance with: hjk config --edit',
      },
    );
  if (document.errors.length > 0) {
    throw invalid(
      document.errors.map(e => `${file}:${String(lines.linePos(e.pos[0]).line)}: ${printable(e.message)}`),
    );
  }
  let value: unknown;
  try {
    value = (document.toJS({ maxAliasCount: 100 }) as unknown) ?? {};
  } catch (error) {
    throw invalid([`${file}:1: ${messageOf(error)}`]);
  }
  const checked = configSchema.safeParse(value);
  if (!checked.success) {
    throw invalid(
      checked.error.issues.map(issue => {
        const key = issue.path.map(String).join('.');
        return `${file}:${String(lineOf(document, issue.path, lines))}: ${key === '' ? '' : `${key}: `}${issue.message}`;
      }),
    );
  }
  const unknown: string[][] = [];
  collectUnknown(value, [], unknown);
  return {
    file: checked.data,
    document,
    unknown: unknown.map(key => `${file}:${String(lineOf(document, key, lines))}: ${key.join('.')}`),
  };
}

/** Loads config.yaml; a missing file is an empty one. @throws HeadjackError config_invalid */
export function loadConfigFile(file: string): LoadedConfig {
  let text = '';
  try {
    text = readRegular(file).toString('utf8');
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) {
      throw new HeadjackError('config_invalid', `${file} cannot be read: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
  return parseConfig(text, file);
}

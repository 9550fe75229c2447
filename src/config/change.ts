import { Scalar, type Document } from 'yaml';
import { makePrivateFolder, replaceFile } from '../process/files.ts';
import path from 'node:path';
import { HeadjackError } from '../errors.ts';
import { findNearest } from '../core/nearest.ts';
import { isKnownKey, loadConfigFile, parseConfig } from './load.ts';
import { knownKeys } from './schema.ts';

/** @throws HeadjackError usage, with the nearest key */
export function requireKey(key: string, kind: 'exact' | 'any'): string[] {
  const parts = key.split('.');
  if (
    parts.every(part => part !== '') &&
    (isKnownKey(parts, 'exact') || (kind === 'any' && isKnownKey(parts, 'section')))
  )
    return parts;
  const candidates = [
    ...knownKeys.filter(known => !known.includes('*')),
    ...new Set(knownKeys.map(known => known.split('.')[0] ?? '')),
  ];
  const nearest = findNearest(key, candidates);
  throw new HeadjackError('usage', `invalid configuration key "${key}"`, {
    hint: nearest === undefined ? 'hjk config shows the keys' : `did you mean "${nearest}"?`,
  });
}

/** Sets a key in config.yaml, keeping comments and everything else. The result is checked before it is written. */
export function setConfigValue(file: string, target: string, key: string, value: string): void {
  const parts = requireKey(key, 'exact');
  const { document } = loadConfigFile(file);
  document.setIn(parts, interpret(document, parts, value));
  const text = document.toString();
  parseConfig(text, target);
  makePrivateFolder(path.dirname(target));
  replaceFile(target, text);
}

/** A value as YAML would read it where that is what the key wants; text otherwise. */
function interpret(document: Document, parts: readonly string[], value: string): unknown {
  const key = parts.join('.');
  if (key === 'default.ssh_agent' && /^(true|false)$/.test(value)) return value === 'true';
  if (key === 'sessions.log_max_size' && /^\d+$/.test(value)) return Number(value);
  const scalar = new Scalar(value);
  const old = document.getIn(parts, true);
  if (old instanceof Scalar) {
    scalar.comment = old.comment ?? null;
    scalar.commentBefore = old.commentBefore ?? null;
  }
  return scalar;
}

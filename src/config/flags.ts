import { splitShellWords } from '../core/shell-words.ts';
import type { FlagsValue } from './schema.ts';

/** The argv words that a flags value stands for. */
export function flagWords(value: FlagsValue | undefined): string[] {
  if (value === null || value === undefined) return [];
  if (typeof value === 'string') return splitShellWords(value) ?? [];
  if (Array.isArray(value)) return value.map(String);
  return Object.entries(value).flatMap(([name, setting]) => {
    const flag = name.startsWith('-') ? name : `--${name}`;
    if (setting === true || setting === null || setting === '') return [flag];
    if (setting === false) return [];
    return (Array.isArray(setting) ? setting : [setting]).flatMap(item => [flag, String(item)]);
  });
}

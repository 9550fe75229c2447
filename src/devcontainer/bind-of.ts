import path from 'node:path';
import type { BindMount } from '../container/port.ts';
import { splitCsv } from '../container/volumes.ts';
import { fieldOf, mountOf, plainPath, type RunOption } from './run-options.ts';

/**
 * The folder of this machine that an option mounts: by its path, or as a volume that is made of one.
 * @param base what relative paths start from
 */
export function bindOf(option: RunOption, base: string): BindMount | undefined {
  const { name, value = '' } = option;
  const { source, target } = mountOf(option) ?? { source: '', target: '' };
  const fields = name === 'mount' ? splitCsv(value) : [];
  const device = fields.flatMap(field => /^volume-opt=device=(\/.*)$/s.exec(field)?.[1] ?? [])[0];
  const folder = /^[/.]/.test(source) ? path.posix.resolve(base, source) : device;
  if (folder === undefined || target === '') return undefined;
  const given = Object.fromEntries(fields.map(fieldOf))['readonly'] ?? 'false';
  const modes = name === 'volume' ? (value.split(':')[2] ?? '').split(',') : [];
  const readOnly = modes.includes('ro') || /^(true|1)$/i.test(given);
  return { source: plainPath(folder), target, readOnly };
}

import path from 'node:path';
import { HeadjackError } from '../errors.ts';

export interface PathContext {
  readonly cwd: string;
  /** What `~` stands for. */
  readonly home: string;
}

/** Trimmed, or undefined where it is missing or blank. */
export function valueOf(raw: string | undefined): string | undefined {
  const trimmed = raw?.trim();
  return trimmed === undefined || trimmed === '' ? undefined : trimmed;
}

/** `//`, `/./` and a trailing `/` go; `..` and links stay as they are. */
function tidy(absolute: string): string {
  const parts = absolute.split('/').filter(part => part !== '' && part !== '.');
  return `/${parts.join('/')}`;
}

/** `~` and `~/x` expanded; undefined for `~user`, which is the caller's error to report. */
function expandTilde(value: string, home: string): string | undefined {
  if (value === '~') return home;
  if (value.startsWith('~/')) return `${home}/${value.slice(2)}`;
  return value.startsWith('~') ? undefined : value;
}

/**
 * A path given by `source` (`--catalog`, `HEADJACK_LOG_DIR`, …). Relative ones count from the current directory.
 * @throws HeadjackError path_invalid for `~user` and for a NUL
 */
export function parsePath(value: string, source: string, context: PathContext): string {
  const expanded = expandTilde(value, context.home);
  if (expanded === undefined) {
    throw new HeadjackError(
      'path_invalid',
      `${source}: "${value}" names another user's home, which is not supported`,
      {
        hint: `give ${source} an absolute path`,
      },
    );
  }
  if (expanded.includes('\0')) throw new HeadjackError('path_invalid', `${source}: the path holds a NUL`);
  return expanded.startsWith('/') ? tidy(expanded) : path.resolve(context.cwd, expanded);
}

/**
 * A `storage.*` value of config.yaml.
 * @throws HeadjackError path_invalid also where it is relative: it would mean another place in every directory
 */
export function parseConfigPath(value: string, key: string, file: string, home: string): string {
  const expanded = expandTilde(value, home);
  if (expanded !== undefined && !expanded.startsWith('/')) {
    throw new HeadjackError('path_invalid', `${file}: ${key}: "${value}" is a relative path`, {
      hint: `hjk config ${key} <absolute path>`,
    });
  }
  return parsePath(value, `${file}: ${key}`, { cwd: '/', home });
}

import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

/** Where programs are looked for if no PATH says it, as the C library does. */
const USUAL = '/usr/local/bin:/usr/bin:/bin';

/** The PATH without relative and empty entries: they would be folders of whatever directory one stands in, a worktree's too. */
export function absolutePath(env: NodeJS.ProcessEnv): string {
  return (env['PATH'] ?? USUAL)
    .split(path.delimiter)
    .filter(folder => path.isAbsolute(folder))
    .join(path.delimiter);
}

/** The environment with such a PATH: what hjk starts looks for programs there, too. */
export function withAbsolutePath(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, PATH: absolutePath(env) };
}

/** A program by its absolute path: an absolute one as it is, a name on the absolute PATH. */
export function findProgram(name: string, env: NodeJS.ProcessEnv): string | undefined {
  if (path.isAbsolute(name)) return isExecutable(name) ? name : undefined;
  if (name === '' || name.includes('/')) return undefined;
  return absolutePath(env)
    .split(path.delimiter)
    .filter(folder => folder !== '')
    .map(folder => path.join(folder, name))
    .find(isExecutable);
}

/** No such program; the code is the system's own for that. */
export class ProgramMissing extends Error {
  readonly code = 'ENOENT';
}

/** The same. @throws ProgramMissing */
export function requireProgram(name: string, env: NodeJS.ProcessEnv): string {
  const found = findProgram(name, env);
  if (found === undefined) throw new ProgramMissing(`${name} is not installed, or not on PATH`);
  return found;
}

export function isExecutable(file: string): boolean {
  try {
    if (!statSync(file).isFile()) return false;
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

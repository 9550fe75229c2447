import { HeadjackError, messageOf } from '../errors.ts';
import { replaceFile } from '../process/files.ts';
import { readIfThere, readRegular } from '../process/regular-file.ts';
import type { RunOptions } from './options.ts';

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The variables that `-e` and `--env-file` give, later ones winning. `NAME` alone takes the caller's value.
 * @throws HeadjackError usage for a bad name, a variable that is not set, a reserved one, a file that cannot be read
 */
export function parseEnvironment(
  options: Pick<RunOptions, 'env' | 'envFiles'>,
  callers: NodeJS.ProcessEnv,
): Record<string, string> {
  const result: Record<string, string> = {};
  const put = (given: string, source: string): void => {
    const equals = given.indexOf('=');
    const name = equals < 0 ? given : given.slice(0, equals);
    if (!VARIABLE.test(name))
      throw new HeadjackError('usage', `${source}: ${JSON.stringify(name)} is no variable name`, {
        hint: 'use NAME or NAME=value',
      });
    if (name.startsWith('HEADJACK_'))
      throw new HeadjackError('usage', `${source}: ${name} is reserved for headjack's own use`, {
        hint: 'choose another name',
      });
    const value = equals < 0 ? callers[name] : given.slice(equals + 1);
    if (value === undefined)
      throw new HeadjackError('usage', `${source}: ${name} is not set here`, {
        hint: `export ${name}=… first`,
      });
    result[name] = value;
  };
  for (const file of options.envFiles) {
    let text: string;
    try {
      text = readRegular(file).toString('utf8');
    } catch (error) {
      throw new HeadjackError('usage', `--env-file: ${file} cannot be read: ${messageOf(error)}`, {
        hint: 'check the path',
        cause: error,
      });
    }
    text.split(/\r?\n/).forEach((line, i) => {
      if (line.trim() !== '' && !line.trimStart().startsWith('#'))
        put(line.trimStart(), `${file}:${String(i + 1)}`);
    });
  }
  for (const given of options.env) put(given, '-e');
  return result;
}

/** Values of the user's variables: in a file of 0600, never in the container's own environment, which `inspect` shows for ever. */
export function saveEnvironment(file: string, env: Readonly<Record<string, string>>): void {
  replaceFile(file, `${JSON.stringify(env)}\n`);
}

export function loadEnvironment(file: string): Record<string, string> {
  const text = readIfThere(file);
  return text === undefined ? {} : (JSON.parse(text) as Record<string, string>);
}

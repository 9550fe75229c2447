import { stringify } from 'yaml';
import { requireKey, setConfigValue } from '../../config/change.ts';
import { effectiveConfig } from '../../config/effective.ts';
import { splitShellWords } from '../../core/shell-words.ts';
import { HeadjackError } from '../../errors.ts';
import { makePrivateFolder } from '../../process/files.ts';
import { runAttached } from '../../process/run.ts';
import { resolveRoots } from '../../config/paths.ts';
import path from 'node:path';
import type { CommandContext, Handler } from '../context.ts';

export const config: Handler<{ edit?: boolean }> = async (context, words, flags) => {
  const [key, value] = words;
  if (flags.edit === true) return edit(context);
  if (key !== undefined) requireKey(key, value === undefined ? 'any' : 'exact');
  const headjack = await context.open('config');
  const { services } = headjack;
  if (key !== undefined && value !== undefined) {
    setConfigValue(services.paths.config_file, writableFile(services.paths), key, value);
    context.output.answer(`Set ${key} = ${value}`);
    return 0;
  }
  const { worktrees, catalog, logs } = services.paths;
  const shown = effectiveConfig(headjack.configFile, services.settings, { worktrees, catalog, logs });
  const found =
    key === undefined
      ? shown
      : key
          .split('.')
          .reduce<unknown>(
            (at, part) =>
              typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : undefined,
            shown,
          );
  if (context.json) context.output.json({ config: key === undefined ? shown : nest(key, found) });
  else if (typeof found === 'object' && found !== null) context.output.answer(stringify(found).trimEnd());
  else
    context.output.answer(
      found === undefined || found === null ? '' : typeof found === 'string' ? found : JSON.stringify(found),
    );
  return 0;
};

function nest(key: string, value: unknown): Record<string, unknown> {
  return key.split('.').reduceRight<unknown>((inner, part) => ({ [part]: inner ?? null }), value) as Record<
    string,
    unknown
  >;
}

/** A legacy file beside the state is read, never written: changes go to where the file belongs. */
function writableFile(paths: Readonly<Record<'config_file' | 'config_root' | 'state_root', string>>): string {
  const legacy =
    paths.config_file === path.join(paths.state_root, 'config.yaml') &&
    paths.config_root !== paths.state_root;
  return legacy ? path.join(paths.config_root, 'config.yaml') : paths.config_file;
}

/** Works on a file that cannot be parsed too: that is what one edits it for. */
async function edit(context: CommandContext): Promise<number> {
  const { env, cwd } = context.io;
  const [editor, ...args] = splitShellWords(env['EDITOR'] ?? '') ?? [];
  if (editor === undefined)
    throw new HeadjackError('usage', '$EDITOR environment variable not set', { hint: 'export EDITOR=vi' });
  const file =
    (await configFileOf(context)) ??
    resolveRoots({ env, cwd, userHome: env['HOME'] ?? '/', flags: {} }).configFile.path;
  makePrivateFolder(path.dirname(file));
  const code = await runAttached(editor, [...args, file], { env, cwd });
  if (code !== 0)
    throw new HeadjackError('command_failed', `${editor} ended with ${String(code)}`, {
      hint: `the file is ${file}`,
    });
  await context.open('config');
  return 0;
}

async function configFileOf(context: CommandContext): Promise<string | undefined> {
  try {
    return writableFile((await context.open('config')).services.paths);
  } catch (error) {
    if (error instanceof HeadjackError && error.code === 'config_invalid') return undefined;
    throw error;
  }
}

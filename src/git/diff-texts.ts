import fs from 'node:fs';
import path from 'node:path';
import { makeScratch } from '../process/scratch.ts';
import { runGit } from './run-git.ts';

/** The difference of two sets of texts by path, as `git diff` shows it; '' where they are the same. */
export async function diffTexts(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const scratch = makeScratch();
  try {
    for (const [side, texts] of [
      ['a', before],
      ['b', after],
    ] as const) {
      fs.mkdirSync(path.join(scratch, side));
      for (const [name, text] of Object.entries(texts)) {
        const place = path.join(scratch, side, name);
        fs.mkdirSync(path.dirname(place), { recursive: true });
        fs.writeFileSync(place, text);
      }
    }
    const options = ['--no-index', '--no-color', '--no-ext-diff', '--no-textconv', '--no-prefix'];
    const ran = await runGit({
      args: ['diff', ...options, 'a', 'b'],
      cwd: scratch,
      env,
      settings: [['core.attributesFile', '/dev/null']],
      variables: { GIT_CEILING_DIRECTORIES: path.dirname(scratch) },
    });
    return ran.stdout.toString('utf8');
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

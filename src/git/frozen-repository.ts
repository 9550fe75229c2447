import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError } from '../errors.ts';
import { readRegular } from '../process/regular-file.ts';
import { makeScratchUntilExit } from '../process/scratch.ts';
import { readGitFile } from './git-file.ts';
import { gitFailed } from './plumbing.ts';
import { runGit } from './run-git.ts';

/** What of a configuration says how files and objects are stored, and starts no program. */
const kept =
  /^(core\.(repositoryformatversion|filemode|symlinks|ignorecase|precomposeunicode|autocrlf|eol|safecrlf|bare)|extensions\.(objectformat|refstorage))$/;
/** What a repository can do without when it is only read: what is missing then is missing. */
const spared = /^extensions\.(partialclone|worktreeconfig|preciousobjects|noop)$/;
/** Read once, or of no use to a reader. */
const left = new Set(['HEAD', 'config', 'config.worktree', 'commondir', 'gitdir', 'hooks']);

/**
 * A git directory of ours that shows what a repository holds, with a configuration of ours: the repository's own may be changed by
 * a program inside between two calls of git, and could name a program then. It goes when this process ends.
 * @param dotGit folder, or the file that names it
 * @throws HeadjackError git_failed where the configuration cannot be read, or asks for what we do not know
 */
export async function freezeRepository(dotGit: string, env: NodeJS.ProcessEnv): Promise<string> {
  const gitDir = readGitFile(dotGit) ?? dotGit;
  const frozen = makeScratchUntilExit();
  for (const name of fs.readdirSync(gitDir))
    if (!left.has(name)) fs.symlinkSync(path.join(gitDir, name), path.join(frozen, name));
  const head = readRegular(path.join(gitDir, 'HEAD'));
  fs.writeFileSync(path.join(frozen, 'HEAD'), head);
  const original = path.join(frozen, 'config.original');
  fs.writeFileSync(original, readRegular(path.join(gitDir, 'config')));
  const args = ['config', '--file', original, '--no-includes', '--list', '-z'];
  const listed = await runGit({ args, cwd: frozen, env, timeoutMs: 5000 });
  if (listed.code !== 0) throw gitFailed(args, listed);
  const lines = listed.stdout
    .toString('utf8')
    .split('\0')
    .flatMap(entry => {
      const [key = '', value = 'true'] = entry.split('\n');
      if (key.startsWith('extensions.') && !kept.test(key) && !spared.test(key)) throw unknownExtension(key);
      const [section, name] = key.split('.');
      return kept.test(key) && /^[\w.-]*$/.test(value)
        ? [`[${section ?? ''}]\n\t${name ?? ''} = ${value}\n`]
        : [];
    });
  fs.writeFileSync(path.join(frozen, 'config'), lines.join(''));
  return frozen;
}

function unknownExtension(key: string): HeadjackError {
  return new HeadjackError('git_failed', `the repository needs ${key}, which hjk does not know`);
}

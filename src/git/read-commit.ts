import { isAtOrBelow } from '../core/place.ts';
import { gitFailed } from './plumbing.ts';
import type { CommitFile } from './port.ts';
import { runGit } from './run-git.ts';

/**
 * Files of a commit, and folders with everything in them, by their paths from the root on; those that it has not are left out.
 * Contents are as stored: no filter runs.
 */
export async function readCommit(
  gitDir: string,
  at: { readonly commit: string; readonly files: readonly string[]; readonly folders: readonly string[] },
  env: NodeJS.ProcessEnv,
): Promise<CommitFile[]> {
  const git = async (args: readonly string[], input = ''): Promise<Buffer> => {
    const ran = await runGit({ gitDir, args, input, env, asUser: true });
    if (ran.code !== 0) throw gitFailed(args, ran);
    return ran.stdout;
  };
  const paths = [...at.files, ...at.folders];
  // without a path git would list everything
  if (paths.length === 0) return [];
  const listing = await git(['ls-tree', '-r', '-z', '--full-tree', at.commit, '--', ...paths]);
  const listed = listing
    .toString('utf8')
    .split('\0')
    .flatMap(line => {
      const [, mode = '', id = '', name = ''] = /^(\d+) blob ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
      return id === '' ? [] : [{ id, link: mode === '120000', path: name }];
    })
    .filter(({ path }) => at.files.includes(path) || at.folders.some(folder => isAtOrBelow(path, folder)));
  if (listed.length === 0) return [];
  const bytes = await git(['cat-file', '--batch'], listed.map(f => `${f.id}\n`).join(''));
  let offset = 0;
  return listed.map(({ link, path }) => {
    const end = bytes.indexOf('\n', offset);
    const size = Number(bytes.subarray(offset, end).toString('latin1').split(' ')[2]);
    const content = bytes.subarray(end + 1, end + 1 + size);
    offset = end + 1 + size + 1;
    return { path, link, content };
  });
}

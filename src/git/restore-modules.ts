import fs from 'node:fs';
import path from 'node:path';
import { bytePath, lstatBytes, pathText } from './byte-path.ts';
import type { Plumbing } from './plumbing.ts';
import type { SnapshotMessage } from './snapshot-message.ts';
import { prepare, type RestorePlace } from './write-files.ts';

/** Connects the folders of submodules with their repositories in the metadata, which may have another name than it had. */
export async function reconnectModules(
  git: Plumbing,
  at: RestorePlace,
  nested: SnapshotMessage['nested'],
): Promise<void> {
  for (const { path: folder, git: gitPath, folder: hasFolder } of nested) {
    if (!hasFolder || gitPath?.startsWith('.git/modules/') !== true) continue;
    const dotGit = prepare(at, `${folder}/.git`);
    if (lstatBytes(dotGit) !== undefined) continue;
    const gitDir = path.dirname(pathText(prepare(at, `${gitPath}/HEAD`).toString('latin1')));
    const place = path.dirname(dotGit.toString('utf8'));
    fs.writeFileSync(dotGit, `gitdir: ${path.relative(place, gitDir)}\n`, { flag: 'wx', mode: 0o644 });
    const config = path.join(gitDir, 'config');
    if (lstatBytes(bytePath(gitDir, 'config'))?.isFile() !== true) continue;
    const worktree = path.relative(gitDir, place);
    const now = await git.try(['config', '--file', config, 'core.worktree']);
    if (now.code === 0 && now.stdout.toString('utf8').trim() !== worktree)
      await git.text(['config', '--file', config, 'core.worktree', worktree]);
  }
}

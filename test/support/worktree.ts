import fs from 'node:fs';
import path from 'node:path';
import type { WorktreeSubject } from '../../src/git/look.ts';
import { git, makeFolder, makeRepository } from './sandbox.ts';

/** A repository with the worktree of an instance `aaaaaaaa` of branch `b`, without container and catalog; gone with its `using`. */
export interface WorktreeBox extends Disposable {
  readonly folder: string;
  readonly repo: string;
  readonly tree: string;
  readonly subject: WorktreeSubject;
}

export function makeWorktree(): WorktreeBox {
  const folder = makeFolder();
  const repo = path.join(folder, 'repo');
  const tree = path.join(folder, 'trees', 'b');
  makeRepository(repo);
  git(repo, 'worktree', 'add', '-q', '-b', 'b', tree);
  git(repo, 'worktree', 'lock', '--reason', 'headjack aaaaaaaa', tree);
  return {
    folder,
    repo,
    tree,
    subject: {
      instanceId: 'aaaaaaaa',
      commonDir: path.join(repo, '.git'),
      worktree: tree,
      branch: 'b',
      deleteBranch: false,
      includeIgnored: false,
    },
    [Symbol.dispose]() {
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

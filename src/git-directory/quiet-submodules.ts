import path from 'node:path';
import { appendSection } from '../git/append-config.ts';
import type { Plumbing } from '../git/plumbing.ts';
import type { ScopedSetting } from '../git/scoped-config.ts';

/**
 * Lets the user's own `git status`, `diff` and `commit -a` in the worktree stay out of submodules: what lies in one is written inside.
 * Its git directory is the container's, so they would fail at it, or run what its configuration names. Set for the worktree alone, as
 * `git sparse-checkout` does; not where the user decided otherwise, or where the repository would have to be rearranged for it.
 */
export async function quietSubmodules(
  git: Plumbing,
  at: { readonly commonDir: string; readonly metadata: string },
  settings: readonly ScopedSetting[],
): Promise<void> {
  const own = settings.filter(({ scope }) => scope !== 'command');
  const value = (key: string): string | undefined => own.findLast(setting => setting.key === key)?.value;
  if (value('diff.ignoresubmodules') !== undefined) return;
  if (!/^160000 /m.test(await git.text(['ls-files', '--stage']))) return;
  if (!isTrue(value('extensions.worktreeconfig'))) {
    if (isTrue(value('core.bare')) || value('core.worktree') !== undefined) return;
    await appendSection(at.commonDir, '[extensions]\n\tworktreeConfig = true\n');
  }
  const file = path.join(at.metadata, 'config.worktree');
  await git.text(['config', '--file', file, 'diff.ignoreSubmodules', 'dirty']);
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(?:true|yes|on|[1-9][0-9]*)$/i.test(value);
}

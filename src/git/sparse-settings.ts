import path from 'node:path';
import { readUntrusted } from '../process/regular-file.ts';
import type { Plumbing } from './plumbing.ts';

/** What the worktree's own configuration says of a sparse checkout: key → value. */
export function readSparseSettings(metadata: string): Record<string, 'true' | 'false'> {
  const found: Record<string, 'true' | 'false'> = {};
  const text = readUntrusted(path.join(metadata, 'config.worktree')) ?? '';
  for (const [, key = '', value] of text.matchAll(
    /^\s*(sparseCheckout|sparseCheckoutCone)\s*=\s*(true|false)\s*$/gim,
  ))
    found[`core.${key}`] = value === 'true' ? 'true' : 'false';
  return found;
}

/** Puts them back where the repository lets worktrees have a configuration of their own. */
export async function restoreSparseSettings(
  git: Plumbing,
  settings: Readonly<Record<string, 'true' | 'false'>>,
): Promise<void> {
  const allowed = await git.try(['config', '--type=bool', 'extensions.worktreeConfig']);
  if (allowed.stdout.toString().trim() !== 'true') return;
  for (const [key, value] of Object.entries(settings)) await git.text(['config', '--worktree', key, value]);
}

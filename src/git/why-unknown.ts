import type fs from 'node:fs';
import path from 'node:path';
import { realPathOf } from '../process/files.ts';
import { readUntrusted } from '../process/regular-file.ts';
import type { WorktreeSubject } from './look.ts';
import { namedMetadata, type WorktreeMetadata } from './metadata.ts';

/** Why a folder that is there cannot be judged, if so: only one that git's metadata and the entry name alike can. */
export function whyUnknown(
  subject: WorktreeSubject,
  at: string,
  metadata: WorktreeMetadata | undefined,
  stat: fs.Stats | undefined,
): string | undefined {
  if (stat?.isDirectory() !== true) return `${at} is no folder`;
  if (metadata === undefined) return `git knows no worktree at ${subject.worktree}`;
  const common = readUntrusted(path.join(metadata.folder, 'commondir'))?.trim() ?? '';
  if (realPathOf(path.resolve(metadata.folder, common)) !== subject.commonDir)
    return `${metadata.folder}/commondir names another repository`;
  const named = namedMetadata(at);
  if (named === undefined) return `${at}/.git is missing`;
  if (named !== realPathOf(metadata.folder)) return `${at}/.git names other metadata`;
  const config = readUntrusted(path.join(metadata.folder, 'config.worktree')) ?? '';
  return /^\s*worktree\s*=/im.test(config)
    ? `${metadata.folder}/config.worktree sets core.worktree`
    : undefined;
}

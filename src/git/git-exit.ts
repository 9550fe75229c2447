import { HeadjackError } from '../errors.ts';
import { printable } from '../core/printable.ts';
import { wasDiskFull } from './left-writes.ts';
import { GIT_HINT } from './plumbing.ts';

/** A git that ended with another code than 0, with what it said. */
export class GitExit extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, stderr: string) {
    super(stderr);
    this.exitCode = exitCode;
  }
}

/** What a failed git means, as an error of ours. */
export function translateGit(error: unknown, args: readonly string[]): unknown {
  if (error instanceof HeadjackError) return error;
  const words = args.filter((word, i) => word !== '-c' && args[i - 1] !== '-c');
  const text = error instanceof Error ? error.message.trim() : String(error);
  if (wasDiskFull({ stderr: text }))
    return new HeadjackError('disk_full', 'git cannot write: no space is left on the disk', {
      hint: 'make room there, then run the command again',
      cause: error,
    });
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('hint:'));
  const said = lines.find(line => /^(fatal|error):/.test(line)) ?? lines.at(-1) ?? '';
  return new HeadjackError('git_failed', `git ${words.slice(0, 2).join(' ')} failed: ${printable(said)}`, {
    hint: GIT_HINT,
    details: {
      command: ['git', ...words],
      exit_code: error instanceof GitExit ? error.exitCode : undefined,
      stderr: text,
    },
    cause: error,
  });
}

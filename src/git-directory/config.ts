import path from 'node:path';
import { parseScopedConfig, type ScopedSetting } from '../git/scoped-config.ts';
import type { Plumbing } from '../git/plumbing.ts';
import { localPath } from '../git/repository-config.ts';

/**
 * Sections of the repository's own configuration that hold inside too, whole or some of their keys: what the repository is, and how
 * its user works. Programs that they name run inside only. Not among them: credentials, and what names files or programs of the host.
 */
const TAKEN_OVER: Readonly<Record<string, RegExp>> = {
  core: /^(?:filemode|symlinks|ignorecase|autocrlf|eol|safecrlf|checkroundtripencoding|precomposeunicode|logallrefupdates|abbrev|quotepath|commentchar|commentstring|bigfilethreshold|sparsecheckout|sparsecheckoutcone|protecthfs|protectntfs|notesref|hookspath)$/,
  extensions: /^(?:objectformat|compatobjectformat|partialclone)$/,
  remote:
    /^(?:url|pushurl|fetch|push|tagopt|prune|prunetags|promisor|partialclonefilter|mirror|skipfetchall|skipdefaultupdate|pushdefault)$/,
  submodule: /^(?:url|branch|active|ignore|recurse|fetchrecursesubmodules|shallow|alternatelocation)$/,
  user: /^(?:name|email|useconfigonly)$/,
  author: /^(?:name|email)$/,
  committer: /^(?:name|email)$/,
  index: /^(?:sparse|version)$/,
  commit: /^(?:cleanup|status|verbose)$/,
  diff: /^(?!external$|orderfile$)/,
  push: /^(?!gpgsign$)/,
  ...Object.fromEntries(
    `branch url lfs filter git-crypt merge alias pull fetch rebase rerere notes log column color status stash grep advice apply i18n
     versionsort`
      .split(/\s+/)
      .map(section => [section, /^/]),
  ),
};

/** What a fresh git directory says where the repository says nothing. */
const DEFAULTS: readonly (readonly [key: string, value: string])[] = [['push.default', 'current']];

/** All that holds for the host's git in the worktree. */
export async function readSettings(git: Plumbing): Promise<ScopedSetting[]> {
  return parseScopedConfig((await git.bytes(['config', '--show-scope', '--list', '-z'])).toString('utf8'));
}

/** The configuration of a container's own git directory, made of the host's. @param root what relative remotes start from */
export function generateConfig(settings: readonly ScopedSetting[], root: string): string {
  return formatGitConfig(takeOver(settings, root));
}

/** Settings of the repository and the worktree that hold inside, in their order. */
function takeOver(
  settings: readonly ScopedSetting[],
  root: string,
): (readonly [key: string, value: string])[] {
  const own = settings.filter(
    ({ scope, key, value }) =>
      (scope === 'local' || scope === 'worktree') &&
      TAKEN_OVER[key.slice(0, key.indexOf('.'))]?.test(key.slice(key.lastIndexOf('.') + 1)) === true &&
      // hooks in the tree are the branch's, as its other programs
      !(key === 'core.hookspath' && (path.isAbsolute(value) || value.startsWith('~'))),
  );
  const taken = own.map(({ key, value }): readonly [string, string] => [key, inside(key, value, root)]);
  const extended = taken.some(([key]) => key.startsWith('extensions.'));
  return [
    ['core.repositoryformatversion', extended ? '1' : '0'],
    ['core.bare', 'false'],
    ...DEFAULTS.filter(([key]) => !taken.some(([given]) => given === key)),
    ...taken,
  ];
}

/** A remote that is a folder is found from anywhere only by its absolute path. */
function inside(key: string, value: string, root: string): string {
  if (!/^remote\..+\.(?:url|pushurl)$/s.test(key) || value.startsWith('file://')) return value;
  return /^\.{1,2}(?:\/|$)/.test(value) ? (localPath(value, root) ?? value) : value;
}

/** Settings in git's own syntax. A value may hold any character. */
function formatGitConfig(settings: readonly (readonly [key: string, value: string])[]): string {
  return settings
    .map(([key, value]) => {
      const first = key.indexOf('.');
      const last = key.lastIndexOf('.');
      const name = first < last ? ` ${quote(key.slice(first + 1, last), false)}` : '';
      return `[${key.slice(0, first)}${name}]\n\t${key.slice(last + 1)} = ${quote(value, true)}\n`;
    })
    .join('');
}

/** A subsection knows the escapes of `"` and `\` only; git refuses a newline in it, so none comes from there. */
function quote(text: string, isValue: boolean): string {
  const escaped = text.replace(/[\\"]/g, '\\$&');
  return `"${isValue ? escaped.replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\b', '\\b') : escaped}"`;
}

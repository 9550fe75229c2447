import { OPERATION_VARIABLE } from '../process/by-environment.ts';

/** A setting of git. Its key may hold anything: a filter's name can have `=` in it. */
export type Setting = readonly [key: string, value: string];

/**
 * What git and the user's own filters (Git LFS among them) get of the caller's environment. Nothing else: git reads dozens of
 * variables, of other prefixes than GIT_ too, and so does what it starts.
 */
const passed = new Set([
  'HOME',
  'XDG_CONFIG_HOME',
  'XDG_CACHE_HOME',
  'XDG_DATA_HOME',
  'PATH',
  'USER',
  'LOGNAME',
  'SHELL',
  'TMPDIR',
  'TZ',
  'GNUPGHOME',
  'LD_LIBRARY_PATH',
  'DEVELOPER_DIR', // which git `/usr/bin/git` of macOS stands for
  OPERATION_VARIABLE,
]);

/** What it takes to reach a remote, in addition. */
const passedToNetwork = new Set([
  'SSH_AUTH_SOCK',
  ...['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'].flatMap(name => [name, name.toUpperCase()]),
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'CURL_CA_BUNDLE',
]);

/**
 * What every git of ours has that does not act for the user. No object is fetched that a partial clone lacks: a repository that
 * only poses as one would choose the program. Git before 2.44 knows no GIT_NO_LAZY_FETCH, and no setting takes back a promisor, but
 * none fetches over a transport that is not allowed, whatever `protocol.*` say. And history is what the objects say: that is what
 * keeps them from gc, and replacing refs can be written by anybody who writes refs.
 */
const ownEyes = {
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: '',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_GRAFT_FILE: '/dev/null',
};

/** The environment of a git that hjk starts; `asUser` is what a git of the user's would see and fetch. */
export function gitEnvironment(
  env: NodeJS.ProcessEnv,
  options: { readonly settings: readonly Setting[]; readonly asUser: boolean },
): NodeJS.ProcessEnv {
  const { settings, asUser } = options;
  const kept = Object.entries(env).filter(
    ([name]) => passed.has(name) || (asUser && passedToNetwork.has(name)),
  );
  return {
    ...Object.fromEntries(kept),
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    LC_ALL: 'C',
    LANGUAGE: 'C',
    ...(asUser ? {} : ownEyes),
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], i) => [
        [`GIT_CONFIG_KEY_${String(i)}`, key],
        [`GIT_CONFIG_VALUE_${String(i)}`, value],
      ]),
    ),
  };
}

/** Settings that keep a repository's own configuration from running programs or misreading the tree. */
export const defusedSettings: readonly Setting[] = [
  ['core.fsmonitor', 'false'],
  ['core.hooksPath', '/dev/null'],
  ['core.untrackedCache', 'false'],
  ['core.alternateRefsCommand', 'true'],
  ['core.sshCommand', 'false'],
  ['core.gitProxy', 'false'],
  ['core.askPass', 'true'],
  ['core.editor', 'true'],
  ['core.pager', 'cat'],
  ['sequence.editor', 'true'],
  ['credential.helper', ''],
  ['diff.external', 'false'],
  ['gpg.program', 'false'],
  ['gpg.ssh.program', 'false'],
  ['gpg.x509.program', 'false'],
  ['submodule.recurse', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['commit.gpgSign', 'false'],
  ['tag.gpgSign', 'false'],
  ['log.showSignature', 'false'],
  ['core.quotePath', 'true'],
];

/** Those of a git that acts as the user's: how it reaches a remote is for the user's own configuration to say. */
export const userSettings: readonly Setting[] = defusedSettings.filter(
  ([key]) => !['core.sshCommand', 'core.gitProxy', 'core.askPass', 'credential.helper'].includes(key),
);

/** The caller's environment without what is git's or ours, for programs that start a git of their own. */
export function withoutGitVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => name === OPERATION_VARIABLE || !/^(GIT|HEADJACK)_/.test(name)),
  );
}

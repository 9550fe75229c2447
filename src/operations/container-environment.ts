import fs from 'node:fs';
import path from 'node:path';
import type { InstanceEntry } from '../catalog/types.ts';
import { SSH_SOCKET } from '../container/host-mounts.ts';
import { HeadjackError } from '../errors.ts';
import type { InstanceSpec } from './instance-spec.ts';
import type { RepositoryGit, Services } from './services.ts';

/** Under which git in a container that has the repository's own git directory is quiet and harmless. */
const sharedSettings: readonly (readonly [string, string])[] = [
  ['push.default', 'current'],
  ['branch.autoSetupMerge', 'false'],
  ['commit.gpgsign', 'false'],
  ['tag.gpgsign', 'false'],
  ['core.fsmonitor', 'false'],
  ['gc.auto', '0'],
  ['repack.updateServerInfo', 'false'],
  ['maintenance.auto', 'false'],
  ['gc.reflogExpire', 'never'],
  ['gc.reflogExpireUnreachable', 'never'],
  ['gc.worktreePruneExpire', 'never'],
];

/** What everybody may see: no value of the user's. A git directory of the container's own has its settings in its configuration. */
export async function containerEnvironment(
  entry: InstanceEntry,
  git: RepositoryGit,
  kind: 'own' | undefined,
): Promise<string[]> {
  const { name, email } = await git.identity();
  const who = [
    ...(name === undefined ? [] : [`GIT_AUTHOR_NAME=${name}`, `GIT_COMMITTER_NAME=${name}`]),
    ...(email === undefined ? [] : [`GIT_AUTHOR_EMAIL=${email}`, `GIT_COMMITTER_EMAIL=${email}`]),
  ];
  const settings = kind === 'own' ? [] : sharedSettings;
  return [
    ...who,
    ...(settings.length === 0 ? [] : [`GIT_CONFIG_COUNT=${String(settings.length)}`]),
    ...settings.flatMap(([key, value], i) => [
      `GIT_CONFIG_KEY_${String(i)}=${key}`,
      `GIT_CONFIG_VALUE_${String(i)}=${value}`,
    ]),
    `HEADJACK_INSTANCE_ID=${entry.id}`,
    `HEADJACK_BRANCH=${entry.branch}`,
    'HEADJACK_STATE_DIR=/headjack',
    'HEADJACK_CONFIG_DIR=/headjack/config',
  ];
}

/** @throws HeadjackError usage where no agent runs */
export function requireSshAgent(services: Services): { socket: string; knownHosts: string | undefined } {
  const socket = services.env['SSH_AUTH_SOCK'];
  if (socket === undefined || !fs.existsSync(socket)) {
    throw new HeadjackError(
      'usage',
      '--ssh-agent: no ssh agent runs here (SSH_AUTH_SOCK is not set, or names nothing)',
      {
        hint: 'start one: eval $(ssh-agent) && ssh-add',
      },
    );
  }
  const knownHosts = path.join(services.user.home, '.ssh', 'known_hosts');
  return { socket, knownHosts: fs.existsSync(knownHosts) ? knownHosts : undefined };
}

/** The variables of every program in the instance, besides the container's own. */
export function execEnvironment(
  spec: InstanceSpec | undefined,
  own: Readonly<Record<string, string>>,
  sessionId: string,
): string[] {
  return [
    ...(spec?.home === undefined ? [] : [`HOME=${spec.home}`]),
    ...(spec?.shell === undefined || spec.shell === '' ? [] : [`SHELL=${spec.shell}`]),
    ...(spec?.ssh_agent === true ? [`SSH_AUTH_SOCK=${SSH_SOCKET}`] : []),
    ...Object.entries(spec?.devcontainer?.env ?? {}).map(([name, value]) => `${name}=${value}`),
    'IS_SANDBOX=1',
    'COLORTERM=truecolor',
    ...Object.entries(own).map(([name, value]) => `${name}=${value}`),
    `HEADJACK_SESSION_ID=${sessionId}`,
  ];
}

import { builtInAgents, type Settings } from './settings.ts';
import type { ConfigFile } from './schema.ts';

/** The configuration in force, nested as in the file: what `hjk config` shows. Unknown keys of the file stay. */
export function effectiveConfig(
  file: ConfigFile,
  settings: Settings,
  storage: Readonly<Record<'worktrees' | 'catalog' | 'logs', string>>,
): Record<string, unknown> {
  const agents: Record<string, unknown> = {};
  for (const name of new Set([...builtInAgents, ...Object.keys(file.agents ?? {})])) {
    const given = file.agents?.[name] ?? {};
    agents[name] = {
      ...given,
      env: given.env ?? (name === 'claude' ? { CLAUDE_CODE_MAX_TURNS: '100' } : {}),
      flags: given.flags ?? [],
    };
  }
  return {
    ...file,
    default: {
      ...file.default,
      agent: settings.defaultAgent ?? '',
      base_image: settings.baseImage,
      ssh_agent: settings.sshAgent,
    },
    agents,
    storage: { ...file.storage, ...storage },
    runtime: { ...file.runtime, name: settings.runtimeName, flags: file.runtime?.flags ?? {} },
    git: { ...file.git, directory: settings.gitDirectory, copy_hooks: settings.copyHooks },
    devcontainer: { ...file.devcontainer, path: settings.devcontainerPath ?? '' },
    sessions: { ...file.sessions, tmux_conf: settings.tmuxConf ?? '', log_max_size: settings.logMaxSize },
  };
}

import { HeadjackError } from '../errors.ts';
import { valueOf } from './path-value.ts';
import { flagWords } from './flags.ts';
import type { ConfigFile } from './schema.ts';
import { parseSize } from '../core/size.ts';

const DEFAULT_IMAGE = 'headjack/base';
export const builtInAgents = ['claude', 'codex', 'gemini'] as const;
const DEFAULT_TIMEOUT_S = 30;
const DEFAULT_LOG_SIZE = 256 * 1024 ** 2;

/** What is in force: environment over config.yaml over defaults. Paths are resolved elsewhere. */
export interface Settings {
  readonly defaultAgent: string | undefined;
  readonly baseImage: string;
  readonly sshAgent: boolean;
  readonly runtimeName: 'docker' | 'podman';
  /** Words for the container runtime. */
  readonly runtimeFlags: readonly string[];
  /** Milliseconds that the engine may take for an answer. */
  readonly runtimeTimeoutMs: number;
  /** Whether new containers get a git directory of their own, or the repository's with masks. */
  readonly gitDirectory: 'own' | 'shared';
  /** Whether the repository's hooks act inside. */
  readonly copyHooks: boolean;
  /** The devcontainer CLI, where the user names one. */
  readonly devcontainerPath: string | undefined;
  readonly tmuxConf: string | undefined;
  /** Bytes at which a session's log rotates. */
  readonly logMaxSize: number;
  readonly agents: Readonly<
    Record<string, { env: Readonly<Record<string, string>>; flags: readonly string[] }>
  >;
}

/**
 * The original's writer lower-cases variable names: one that is all in lower case is passed as written and, but for `*_proxy`,
 * in upper case too.
 */
export function agentEnvironment(env: Readonly<Record<string, unknown>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const text = value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
    result[name] = text;
    if (name === name.toLowerCase() && !name.endsWith('_proxy') && !(name.toUpperCase() in env))
      result[name.toUpperCase()] = text;
  }
  return result;
}

/** Seconds. @throws HeadjackError usage */
function parseTimeout(given: string | number | null | undefined): number {
  const seconds = Number(given ?? DEFAULT_TIMEOUT_S);
  if (seconds >= 1 && seconds <= 3600) return seconds * 1000;
  throw new HeadjackError(
    'usage',
    `runtime.timeout: "${String(given)}" is no number of seconds from 1 to 3600`,
    {
      hint: 'hjk config runtime.timeout 30',
    },
  );
}

/** @throws HeadjackError usage for a runtime that does not exist */
export function resolveSettings(env: NodeJS.ProcessEnv, file: ConfigFile): Settings {
  const runtimeName =
    valueOf(env['HEADJACK_RUNTIME_NAME']) ?? valueOf(file.runtime?.name ?? undefined) ?? 'docker';
  if (runtimeName !== 'docker' && runtimeName !== 'podman') {
    throw new HeadjackError('usage', `runtime.name: "${runtimeName}" is no container runtime`, {
      hint: 'use docker or podman',
    });
  }
  const givenFlags = valueOf(env['HEADJACK_RUNTIME_FLAGS']);
  const size = file.sessions?.log_max_size;
  const agents: Record<string, { env: Record<string, string>; flags: string[] }> = {};
  for (const name of new Set([...builtInAgents, ...Object.keys(file.agents ?? {})])) {
    const given = file.agents?.[name];
    const variables = agentEnvironment(given?.env ?? {});
    if (name === 'claude') variables['CLAUDE_CODE_MAX_TURNS'] ??= '100';
    agents[name] = { env: variables, flags: flagWords(given?.flags ?? undefined) };
  }
  return {
    defaultAgent: valueOf(env['HEADJACK_DEFAULT_AGENT']) ?? valueOf(file.default?.agent ?? undefined),
    baseImage:
      valueOf(env['HEADJACK_BASE_IMAGE']) ??
      valueOf(env['HEADJACK_DEFAULT_BASE_IMAGE']) ??
      valueOf(file.default?.base_image ?? undefined) ??
      DEFAULT_IMAGE,
    sshAgent: file.default?.ssh_agent ?? false,
    runtimeName,
    runtimeFlags: flagWords(givenFlags ?? file.runtime?.flags ?? undefined),
    runtimeTimeoutMs: parseTimeout(valueOf(env['HEADJACK_RUNTIME_TIMEOUT']) ?? file.runtime?.timeout),
    gitDirectory: file.git?.directory ?? 'own',
    copyHooks: file.git?.copy_hooks ?? false,
    devcontainerPath:
      valueOf(env['HEADJACK_DEVCONTAINER_PATH']) ?? valueOf(file.devcontainer?.path ?? undefined),
    tmuxConf: valueOf(file.sessions?.tmux_conf ?? undefined),
    logMaxSize: (typeof size === 'string' ? parseSize(size) : size) ?? DEFAULT_LOG_SIZE,
    agents,
  };
}

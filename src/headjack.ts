import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownerOf } from './catalog/location.ts';
import { findStaleMarkers } from './catalog/lock/stale.ts';
import { createCatalogStore } from './catalog/store.ts';
import { resolvePaths, resolveRoots, type PathName, type ResolvedPath } from './config/paths.ts';
import { parseConfigPath, parsePath, valueOf } from './config/path-value.ts';
import type { ConfigFile } from './config/schema.ts';
import { resolveSettings } from './config/settings.ts';
import { createEngineExec } from './container/engine-exec.ts';
import { createEngineHttp, type EngineHttp } from './container/engine-http.ts';
import { findEngineProgram } from './container/engine-program.ts';
import { createEngineLister } from './container/engine-list.ts';
import { resolveEndpoint } from './container/endpoint.ts';
import type { ContainerRuntime } from './container/port.ts';
import { HeadjackError } from './errors.ts';
import { discoverRepository } from './git/discover.ts';
import type { RepositoryGit } from './git/port.ts';
import type { Progress, Services } from './operations/services.ts';
import { OPERATION_VARIABLE } from './process/by-environment.ts';
import { createTmuxHost } from './session/tmux-host.ts';
import { createDefaultTmuxServer } from './session/default-server.ts';

export interface HeadjackOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** What the catalog's lock says of us. */
  readonly verb?: string;
  readonly flags?: {
    readonly directory?: string | undefined;
    readonly config?: string | undefined;
    readonly catalog?: string | undefined;
  };
  readonly terminal?: Services['terminal'];
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** What an opened headjack knows before it does anything. */
export interface Headjack {
  readonly paths: readonly ResolvedPath[];
  /** config.yaml as written. */
  readonly configFile: ConfigFile;
  /** Keys of config.yaml that nothing reads, as `file:line: key`. */
  readonly unknownKeys: readonly string[];
  readonly services: Services;
}

const silent: Progress = {
  phase: () => undefined,
  update: () => undefined,
  note: () => undefined,
  done: () => undefined,
};
const noTerminal: Services['terminal'] = {
  stdin: false,
  stdout: false,
  stderr: false,
  size: () => ({ columns: 120, rows: 40 }),
};

/**
 * Builds the adapters and gives the services that every operation takes. Nothing is created, nothing is asked of git or the
 * engine; a missing config.yaml costs nothing.
 * @throws HeadjackError path_invalid, config_invalid, usage
 */
export async function openHeadjack(options: HeadjackOptions): Promise<Headjack> {
  const { env } = options;
  const input = {
    env,
    cwd: options.cwd,
    userHome: valueOf(env['HOME']) ?? os.homedir(),
    flags: options.flags ?? {},
  };
  const roots = resolveRoots(input);
  const loaded = fs.existsSync(roots.configFile.path)
    ? (await import('./config/load.ts')).loadConfigFile(roots.configFile.path)
    : undefined;
  const configFile = loaded?.file ?? {};
  const storage = configFile.storage ?? {};
  const resolved = resolvePaths(input, roots, {
    catalog: storage.catalog ?? undefined,
    worktrees: storage.worktrees ?? undefined,
    logs: storage.logs ?? undefined,
  });
  const paths = Object.fromEntries(resolved.map(entry => [entry.name, entry.path])) as Record<
    PathName,
    string
  >;
  const settings = resolveSettings(env, configFile);
  const workspace = findWorkspace(options, roots.home);
  let owner: string | undefined;
  const findOwner = (): string => (owner ??= ownerOf(paths.catalog));
  const gitEnv = (operationId: string | undefined): NodeJS.ProcessEnv =>
    operationId === undefined ? env : { ...env, [OPERATION_VARIABLE]: operationId };
  const engine = lazyEngine(
    () => resolveEndpoint(settings.runtimeName, env, input.userHome).socket,
    settings.runtimeTimeoutMs,
  );
  const root = packageRoot();
  let runtime: Promise<ContainerRuntime> | undefined;
  const repositories = new Map<string, RepositoryGit>();

  const services: Services = {
    paths,
    settings,
    catalog: createCatalogStore({
      file: paths.catalog,
      verb: options.verb ?? 'hjk',
      folders: { worktrees: paths.worktrees, logs: paths.logs },
      reserve: path.join(paths.state_root, 'reserve'),
    }),
    staleLocks: () => findStaleMarkers(paths.catalog),
    get owner() {
      return findOwner();
    },
    cwd: workspace.folder,
    workspaceSource: workspace.source,
    repository: discoverRepository(workspace.folder),
    lister: createEngineLister(engine.http),
    exec: createEngineExec(engine.http),
    get socket() {
      return engine.socket();
    },
    engineCommand: () => findEngineProgram(settings.runtimeName, engine.socket(), env),
    runtime: () => {
      runtime ??= import('./container/dockerode-runtime.ts').then(adapter =>
        adapter.createDockerodeRuntime(engine.socket(), settings.runtimeTimeoutMs, engine.http, {
          env,
          home: input.userHome,
        }),
      );
      return runtime;
    },
    git: async (repository, operationId) => {
      const { createSimpleGitRepository } = await import('./git/simple-git-repository.ts');
      const key = `${repository.commonDir}
${operationId ?? ''}`;
      const opened = repositories.get(key) ?? createSimpleGitRepository(repository, gitEnv(operationId));
      repositories.set(key, opened);
      return opened;
    },
    keeper: async operationId => (await import('./git/keeper.ts')).createWorktreeKeeper(gitEnv(operationId)),
    host: createTmuxHost({
      stateRoot: paths.state_root,
      owner: findOwner,
      env,
      configFile: path.join(root, 'dist', 'assets', 'tmux.conf'),
      userConfigFile:
        settings.tmuxConf === undefined
          ? undefined
          : parseConfigPath(settings.tmuxConf, 'sessions.tmux_conf', roots.configFile.path, roots.home),
    }),
    defaultServer: createDefaultTmuxServer(env),
    devcontainer: {
      configured:
        settings.devcontainerPath === undefined
          ? undefined
          : parseConfigPath(
              settings.devcontainerPath,
              'devcontainer.path',
              roots.configFile.path,
              roots.home,
            ),
      stateRoot: paths.state_root,
      env,
      shim: path.join(root, 'dist', 'devcontainer', 'engine.cjs'),
    },
    pumpCommand: [process.execPath, path.join(root, 'dist', 'pump', 'pump.cjs')],
    user: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, home: input.userHome },
    env,
    now: () => Date.now(),
    randomHex: bytes => process.getBuiltinModule('node:crypto').randomBytes(bytes).toString('hex'),
    random: below => process.getBuiltinModule('node:crypto').randomInt(below),
    terminal: options.terminal ?? noTerminal,
    progress: options.progress ?? silent,
    signal: options.signal ?? new AbortController().signal,
  };
  return { paths: resolved, configFile, unknownKeys: loaded?.unknown ?? [], services };
}

/** `-C`, else HEADJACK_WORKSPACE, else the current directory. @throws HeadjackError not_a_repository where it is no folder */
function findWorkspace(
  options: HeadjackOptions,
  home: string,
): { folder: string; source: string | undefined } {
  const { cwd, env } = options;
  const flag = valueOf(options.flags?.directory);
  const source = flag === undefined ? 'HEADJACK_WORKSPACE' : '-C';
  const given = flag ?? valueOf(env['HEADJACK_WORKSPACE']);
  if (given === undefined) return { folder: cwd, source: undefined };
  const folder = parsePath(given, source, { cwd, home });
  if (discoverRepository(folder) !== undefined) return { folder, source };
  throw new HeadjackError('not_a_repository', `${source}: ${folder} is in no git repository`, {
    hint: `name a git repository with ${source}`,
  });
}

/** The engine's socket is looked for when it is needed: commands that need none do not fail without one. */
function lazyEngine(find: () => string, timeoutMs: number): { http: EngineHttp; socket: () => string } {
  let opened: { socket: string; http: EngineHttp } | undefined;
  const open = (): { socket: string; http: EngineHttp } => {
    if (opened === undefined) {
      const socket = find();
      opened = { socket, http: createEngineHttp(socket, timeoutMs) };
    }
    return opened;
  };
  return {
    socket: () => open().socket,
    http: {
      request: async (method, place, body) => open().http.request(method, place, body),
      hijack: async (place, body) => open().http.hijack(place, body),
    },
  };
}

/** The folder of the installed package: where its package.json is. */
export function packageRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!fs.existsSync(path.join(folder, 'package.json'))) {
    const parent = path.dirname(folder);
    if (parent === folder)
      throw new HeadjackError('unexpected', 'the files of headjack are not complete: no package.json');
    folder = parent;
  }
  return folder;
}

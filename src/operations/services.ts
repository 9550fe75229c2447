import type { StaleMarker } from '../catalog/lock/stale.ts';
import type { CatalogStore } from '../catalog/store.ts';
import type { PathName } from '../config/paths.ts';
import type { Settings } from '../config/settings.ts';
import type { ContainerExec, ContainerLister, ContainerRuntime } from '../container/port.ts';
import type { Repository } from '../core/repository.ts';
import type { ProgramPlaces } from '../devcontainer/program.ts';
import type { RepositoryGit } from '../git/port.ts';
import type { WorktreeKeeper } from '../git/keeper.ts';
import type { DefaultTmuxServer } from '../session/default-server.ts';
import type { SessionHost } from '../session/port.ts';

/** How a verb tells what it is at. Nothing of it reaches stdout. */
export interface Progress {
  /** A phase begins; the one before has ended. */
  phase(name: string): void;
  /** How far the phase is. */
  update(text: string): void;
  /** Something worth knowing on a terminal. */
  note(text: string): void;
  done(): void;
}

/** Everything that the operations work with: ports, made by the composition root. */
export interface Services {
  readonly paths: Readonly<Record<PathName, string>>;
  readonly settings: Settings;
  readonly catalog: CatalogStore;
  /** Markers that dead processes left at the catalog's lock. */
  readonly staleLocks: () => Promise<StaleMarker[]>;
  /** Tells our containers from those of another state root. */
  readonly owner: string;
  readonly cwd: string;
  /** What names the repository in an error: `-C`, HEADJACK_WORKSPACE or nothing. */
  readonly workspaceSource: string | undefined;
  /** The repository that the current directory is in, if any. */
  readonly repository: Repository | undefined;
  readonly lister: ContainerLister;
  readonly exec: ContainerExec;
  readonly socket: string;
  /** The engine's own program, with what points it at the socket. @throws HeadjackError engine_program_missing */
  readonly engineCommand: () => readonly string[];
  readonly runtime: () => Promise<ContainerRuntime>;
  /** Git for a repository; every program that it starts carries the operation's id. */
  readonly git: (repository: Repository, operationId?: string) => Promise<RepositoryGit>;
  readonly keeper: (operationId?: string) => Promise<WorktreeKeeper>;
  readonly host: SessionHost;
  /** Where the original keeps its sessions. */
  readonly defaultServer: DefaultTmuxServer;
  /** Where the devcontainer CLI is looked for, and the program that it is given for the engine's. */
  readonly devcontainer: ProgramPlaces & { readonly shim: string };
  readonly pumpCommand: readonly string[];
  readonly user: { readonly uid: number; readonly gid: number; readonly home: string };
  /** The caller's environment: read for `-e NAME`, SSH_AUTH_SOCK and the agent's settings only. */
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
  readonly randomHex: (bytes: number) => string;
  readonly random: (below: number) => number;
  readonly terminal: {
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
    readonly size: () => { columns: number; rows: number };
  };
  readonly progress: Progress;
  /** Ends what waits, and what can be undone, at Ctrl-C. */
  readonly signal: AbortSignal;
}

export type { RepositoryGit } from '../git/port.ts';

import type { Duplex } from 'node:stream';
import type { EngineOptions } from './engine-options.ts';

type ContainerState = 'running' | 'stopped';

/** A container as the engine's list shows it. */
export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly state: ContainerState;
  /** It never ran. */
  readonly fresh: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Host paths of its bind mounts. */
  readonly sources: readonly string[];
}

/** One call that answers `ps` and every reconciling. */
export interface ContainerLister {
  /** All containers of the engine, stopped ones too. @throws engine_unreachable, engine_permission */
  list(): Promise<ContainerSummary[]>;
  /** When a container was last started, in ms since 1970; undefined where it is gone or never was. */
  startedAt(container: string): Promise<number | undefined>;
}

export interface ExecRequest {
  readonly container: string;
  readonly command: readonly string[];
  /** `NAME=value`. Seen by the program only: neither `inspect` nor a command line shows it. */
  readonly env: readonly string[];
  readonly user: string | undefined;
  readonly workdir: string | undefined;
  readonly tty: boolean;
  readonly stdin: boolean;
}

export interface RunningExec {
  readonly id: string;
  /** Raw bytes with a TTY; without, the engine's frames: see `splitStreams`. Ending the writing side half-closes stdin. */
  readonly stream: Duplex;
  resize(size: TerminalSize): Promise<void>;
  /** Whether it runs, and its exit code once it does not. @throws not_running where its container was stopped */
  inspect(): Promise<{ running: boolean; exitCode: number | undefined }>;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Programs in a container that runs. */
export interface ContainerExec {
  /** @throws not_running where the container does not run, is gone, or ends meanwhile */
  start(request: ExecRequest): Promise<RunningExec>;
  /** Runs a program to its end; output of both streams, as text. */
  capture(request: Omit<ExecRequest, 'tty' | 'stdin'>): Promise<{ output: string; exitCode: number }>;
}

export interface BindMount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface PublishedPort {
  readonly container: string;
  readonly hostIp: string;
  readonly hostPort: string;
}

/** What a container is made of. */
export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: readonly string[];
  readonly user: string;
  /** The caller has the same ids inside as outside, on an engine that would map them. */
  readonly keepIds: boolean;
  readonly mounts: readonly BindMount[];
  /** Named volumes: source is the name. */
  readonly volumes: readonly BindMount[];
  readonly ports: readonly PublishedPort[];
  readonly memory: number | undefined;
  readonly cpus: number | undefined;
  readonly pids: number | undefined;
  readonly network: string | undefined;
  /** What the user asked of the engine itself. */
  readonly engine: EngineOptions;
}

export interface ImageInfo {
  readonly id: string;
  readonly user: string;
  /** As Go names it: `amd64`. */
  readonly architecture: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Places where each of its containers has a volume. */
  readonly volumes: readonly string[];
}

/** An image that hjk made. */
export interface OwnImage {
  readonly id: string;
  /** Empty where it lost its name to a newer one. */
  readonly tags: readonly string[];
  readonly bytes: number;
  /** Seconds since 1970. */
  readonly created: number;
  readonly labels: Readonly<Record<string, string>>;
}

export type ArchiveEntry =
  | { readonly kind: 'file'; readonly path: string; readonly content: string; readonly mode: number }
  | {
      readonly kind: 'folder';
      readonly path: string;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  | {
      readonly kind: 'link';
      readonly path: string;
      readonly target: string;
      /** It stands in the place of a folder of the image's, whatever is in that. */
      readonly overImage?: boolean;
    };

/** An entry that was not put into a container, and what is mounted in its way; a folder with content where nothing is. */
export interface LeftOutEntry {
  readonly path: string;
  readonly because: { readonly source: string; readonly target: string } | undefined;
}

/** What an engine is, as it says itself: a podman may answer at Docker's socket. */
export interface EngineIdentity {
  readonly name: 'docker' | 'podman';
  /** It runs as an ordinary user, and maps user ids. */
  readonly rootless: boolean;
  /** As Go names it: `amd64`. */
  readonly architecture: string;
}

/** The compose project of an instance. */
export interface ComposeProject {
  readonly name: string;
  readonly instance: string;
  readonly owner: string;
}

/** A container of a compose project. */
interface ProjectContainer {
  readonly id: string;
  readonly service: string;
  readonly running: boolean;
}

/** Making, stopping and removing containers. The adapter maps what the host has to what the engine sees. */
export interface ContainerRuntime {
  identify(): Promise<EngineIdentity>;
  version(): Promise<{ version: string; apiVersion: string }>;
  findImage(reference: string): Promise<ImageInfo | undefined>;
  /**
   * Fetches an image, with the credentials that the user has for its registry.
   * @param tell what was reached so far, for people
   * @throws HeadjackError image_missing with the registry's reason
   */
  pull(reference: string, tell: (text: string) => void): Promise<void>;
  /** Images with one of the labels. */
  listImages(labels: readonly string[]): Promise<OwnImage[]>;
  /** @throws HeadjackError engine_failed with the engine's reason where it is in use */
  removeImage(reference: string): Promise<void>;
  /** @throws name_taken where the name is in use */
  create(spec: ContainerSpec): Promise<string>;
  /** Sets limits of a container that exists, where the engine can; `findIgnoredLimits` tells. */
  limit(container: string, limits: Pick<ContainerSpec, 'memory' | 'cpus' | 'pids'>): Promise<void>;
  /** Limits that were asked for and that the engine left out, as rootless ones do without saying so. */
  findIgnoredLimits(
    container: string,
    spec: Pick<ContainerSpec, 'memory' | 'cpus' | 'pids'>,
  ): Promise<string[]>;
  /** Already running is fine. @throws image_unsuitable where the image has no `sh` */
  start(container: string): Promise<void>;
  /** Text of a file, also of a container that does not run. */
  readFile(container: string, file: string): Promise<string | undefined>;
  /**
   * Puts entries into the own file system of a container that never ran, at absolute paths. Gives what it left out: nothing is put
   * where something is mounted, or in the place of a folder with content.
   */
  putEntries(container: string, entries: readonly ArchiveEntry[]): Promise<LeftOutEntry[]>;
  /** Command lines of the processes in the container; undefined where the engine cannot tell. */
  processes(container: string): Promise<string[] | undefined>;
  /** Stopped already, or gone, is fine. */
  stop(container: string, graceSeconds: number): Promise<void>;
  /** Gone already is fine. */
  remove(container: string): Promise<void>;
  hasVolume(name: string): Promise<boolean>;
  /** Gone already is fine. @throws HeadjackError engine_failed where it is in use */
  removeVolume(name: string): Promise<void>;
  /** The containers of a compose project. What an image says of itself makes no container one of them. */
  listProject(project: ComposeProject): Promise<ProjectContainer[]>;
  /** Removes what a compose project has: containers, networks, volumes. */
  removeProject(project: ComposeProject): Promise<void>;
  buildImage(tag: string, dockerfile: string, labels: Readonly<Record<string, string>>): Promise<void>;
}

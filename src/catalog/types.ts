/** Catalog version 2, exactly as the storage reference has it, plus optional fields that another v2 reader may ignore. */
export const CATALOG_VERSION = 2;

export type InstanceStatus = 'creating' | 'running' | 'stopped' | 'error';
export const instanceStatuses: readonly InstanceStatus[] = ['creating', 'running', 'stopped', 'error'];

export interface SessionEntry {
  id: string;
  name: string;
  /** shell, claude, gemini or codex; other text is read as it is. */
  type: string;
  mux_session_id: string;
  /** RFC 3339, as all times here. */
  created_at: string;
  last_accessed: string;
  /** Ours: the program that a session of type shell runs as an agent. */
  agent?: string;
  ended_at?: string;
  exit_code?: number;
}

export type OperationKind = 'run' | 'start' | 'stop' | 'rm' | 'restore' | 'recreate' | 'rename' | 'doctor';

/** What a verb that changes the instance is doing, and who does it. */
export interface Operation {
  id: string;
  kind: OperationKind;
  pid: number;
  pid_start: string;
  boot_id: string;
  pid_ns: string;
  since: string;
  /** `rm -D` is at work: whoever comes after it does not count on this branch to hold commits. */
  deleting_branch?: boolean;
  /** Set once `rm` has begun to delete: from then on the removal is only ever finished. */
  deleting?: { snapshot: string; branch_tip?: string; include_ignored?: boolean; unjudged?: boolean };
  /** What `restore` brings back. */
  snapshot?: string;
  /** What `rename` is at: whoever takes it over finishes it. */
  rename?: { from: string; to: string; tip: string };
}

export interface InstanceEntry {
  /** 8 hex. */
  id: string;
  /** Absolute path of the repository. */
  repo: string;
  repo_id: string;
  branch: string;
  /** Absolute. */
  worktree: string;
  /** Empty while there is none. */
  container_id: string;
  created_at: string;
  status: InstanceStatus;
  sessions: SessionEntry[];
  operation?: Operation;
}

export interface Catalog {
  version: number;
  entries: InstanceEntry[];
}

export function emptyCatalog(): Catalog {
  return { version: CATALOG_VERSION, entries: [] };
}

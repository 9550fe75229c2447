import type { TerminalSize } from '../container/port.ts';

/** Terminals that outlive the terminal that looks at them. One server an instance. */
export interface SessionHost {
  /**
   * Opens a detached terminal in which `command` runs. False where the server ended while it was asked: then the terminal may
   * never have been. @throws tmux_missing, tmux_failed
   */
  open(session: HostedSession, command: readonly string[], size: TerminalSize): Promise<boolean>;
  /** Shows the terminal on ours until the user detaches or it ends. */
  attach(session: HostedSession): Promise<void>;
  /** Number of clients per terminal of the instance, by `muxId`; missing is gone. */
  clients(instanceId: string): Promise<ReadonlyMap<string, number>>;
  /** Closes one terminal, or all of an instance. Gone already is fine. */
  close(session: HostedSession): Promise<void>;
  closeAll(instanceId: string): Promise<void>;
  /** Why the place of the sockets cannot be trusted, if so: no terminal can be opened then, and those that are there are not ours. */
  doubt(): { readonly place: string; readonly why: string } | undefined;
  /** Ids of the instances that have a socket. */
  instances(): string[];
}

interface HostedSession {
  readonly instanceId: string;
  readonly muxId: string;
  /** For the status line. */
  readonly title: string;
}

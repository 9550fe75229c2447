import fs from 'node:fs';
import type { BridgeOrder } from './bridge-watch.ts';
import type { FilePlaces } from './files.ts';
import { readRegular } from '../process/regular-file.ts';

/** What `exec` asks a pump to do. Written 0600, because of `env`, and removed by the pump as soon as it was read. */
export interface PumpOrder {
  readonly socket: string;
  readonly container: string;
  /** Empty: the user's shell. */
  readonly command: readonly string[];
  readonly env: readonly string[];
  readonly user: string | undefined;
  readonly workdir: string | undefined;
  readonly places: FilePlaces;
  readonly instance: string;
  readonly session: string;
  readonly catalog: { readonly file: string; readonly worktrees: string };
  /** Set for an instance with a git directory of its own: its refs are carried while the session lives. */
  readonly bridge?: BridgeOrder;
  /** Bytes. */
  readonly logMaxSize: number;
}

export function saveOrder(file: string, order: PumpOrder): void {
  fs.writeFileSync(file, JSON.stringify(order), { flag: 'wx', mode: 0o600 });
}

export function takeOrder(file: string): PumpOrder {
  const order = JSON.parse(readRegular(file).toString('utf8')) as PumpOrder;
  fs.unlinkSync(file);
  return order;
}

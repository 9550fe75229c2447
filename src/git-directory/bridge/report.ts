import type { BridgeState } from './state.ts';

export interface PassOptions {
  /** Also where nothing seems to have changed. */
  readonly always?: boolean;
  /** Nested repositories that are linked anew may come out. */
  readonly allowLinks?: boolean;
  readonly randomHex: (bytes: number) => string;
}

/** What a pass of the bridge did. */
export interface PassReport {
  /** Another process has the bridge of this instance at the moment: it does what is to be done. */
  readonly busy: boolean;
  readonly state: BridgeState;
  /** Which side's branch followed the other's. */
  readonly moved: 'host' | 'inside' | undefined;
  /** Refs that were made inside and came to the host. */
  readonly arrived: readonly string[];
  /** Refs that were made inside and cannot have their names on the host. */
  readonly kept: readonly string[];
}

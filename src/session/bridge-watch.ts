import fs from 'node:fs';
import { randomBytes } from 'node:crypto';
import type { ContainerExec } from '../container/port.ts';
import { hasChanged } from '../git-directory/bridge/has-changed.ts';
import { openSubject } from '../git-directory/bridge/instance.ts';
import { runPass } from '../git-directory/bridge/pass.ts';
import { loadState } from '../git-directory/bridge/state.ts';
import { gitDirectoryPlaces } from '../git-directory/places.ts';

/** What a session's pump needs to carry the refs of its instance. */
export interface BridgeOrder {
  readonly commonDir: string;
  /** Its real path. */
  readonly worktree: string;
  readonly home: string | undefined;
}

export interface WatchedInstance extends BridgeOrder {
  readonly id: string;
  readonly folder: string;
  readonly container: string;
  readonly user: string | undefined;
  readonly exec: ContainerExec;
  readonly env: NodeJS.ProcessEnv;
  readonly tell: (event: string, error: unknown) => void;
}

/** Of several events of one commit the last counts. */
const SETTLE_MS = 15;
/** What no event tells of: refs that are moved without a commit, watches that this machine has no room for. */
const SLOW_MS = 1500;
const AFTER_FAILURE_MS = 5000;

/**
 * Carries the refs of an instance while a session of it lives: events in the two folders that a commit touches, and a slow look
 * beside them. Nothing is watched that programs inside could make lead elsewhere: the folder itself is ours.
 */
export function watchBridge(instance: WatchedInstance): { stop(): Promise<void> } {
  const places = gitDirectoryPlaces(instance.folder);
  let working: Promise<void> | undefined;
  let again = false;
  let quietUntil = 0;
  let timer: NodeJS.Timeout | undefined;

  const pass = async (): Promise<void> => {
    // `hjk rename` tells the bridge of the new name by a pass of its own
    const branch = loadState(places.bridge)?.branch;
    if (branch === undefined) return;
    const seen = {
      directory: places.directory,
      branch,
      stateFile: places.bridge,
      commonDir: instance.commonDir,
    };
    if (!hasChanged(seen)) return;
    try {
      const random = (bytes: number): string => randomBytes(bytes).toString('hex');
      const report = await runPass(openSubject({ ...instance, branch }), { randomHex: random });
      again ||= report.busy;
      if (report.state.problem !== null) quietUntil = Date.now() + SLOW_MS;
    } catch (error) {
      quietUntil = Date.now() + AFTER_FAILURE_MS;
      instance.tell('the refs of the instance were not carried', error);
    }
  };
  const check = (): void => {
    timer = undefined;
    if (working !== undefined) {
      again = true;
      return;
    }
    if (Date.now() < quietUntil) return;
    working = pass().finally(() => {
      working = undefined;
      if (again) soon();
      again = false;
    });
  };
  const soon = (): void => {
    timer ??= setTimeout(check, SETTLE_MS);
  };
  const { metadata } = openSubject({ ...instance, branch: '' });
  const watches = [places.directory, metadata].flatMap(folder => watch(folder, soon));
  const slow = setInterval(soon, SLOW_MS);
  soon();
  return {
    async stop() {
      clearInterval(slow);
      clearTimeout(timer);
      for (const one of watches) one.close();
      await working;
      await pass();
    },
  };
}

function watch(folder: string | undefined, onEvent: () => void): fs.FSWatcher[] {
  if (folder === undefined) return [];
  try {
    const watcher = fs.watch(folder, { persistent: false }, onEvent);
    watcher.on('error', () => undefined);
    return [watcher];
  } catch {
    return []; // no room for another watch, or no folder
  }
}

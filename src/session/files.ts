import path from 'node:path';

/** Where what belongs to an instance and its sessions lies. */
export interface InstanceFiles {
  readonly folder: string;
  /** Variables of the user's, secrets among them: 0600, gone with `rm`. */
  readonly env: string;
  /** What the container was made of. */
  readonly spec: string;
  readonly logs: string;
}

export interface SessionFiles {
  readonly record: string;
  /** An order to end the session: whoever creates it gives the reason. */
  readonly end: string;
  /** What the pump is to do; removed once read, as it holds the environment. */
  readonly order: string;
  readonly log: string;
  /** Of a program without a terminal: the process that carries its streams. */
  readonly plain: string;
}

export interface FilePlaces {
  readonly stateRoot: string;
  readonly logs: string;
}

export function instanceFiles(places: FilePlaces, instanceId: string): InstanceFiles {
  const folder = path.join(places.stateRoot, 'instances', instanceId);
  return {
    folder,
    env: path.join(folder, 'env'),
    spec: path.join(folder, 'spec.json'),
    logs: path.join(places.logs, instanceId),
  };
}

export function sessionFiles(places: FilePlaces, instanceId: string, sessionId: string): SessionFiles {
  const { folder, logs } = instanceFiles(places, instanceId);
  const file = (suffix: string): string => path.join(folder, `${sessionId}${suffix}`);
  return {
    record: file('.json'),
    end: file('.end'),
    order: file('.start'),
    log: path.join(logs, `${sessionId}.log`),
    plain: file('.plain'),
  };
}

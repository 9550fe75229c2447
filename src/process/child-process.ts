import type * as ChildProcess from 'node:child_process';

/** Loaded when the first program is started: most commands start none. */
export function childProcess(): typeof ChildProcess {
  return process.getBuiltinModule('node:child_process');
}

import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError } from '../errors.ts';
import { makePrivateFolder } from '../process/files.ts';
import { ownUid } from '../process/identity.ts';

/** Socket paths have 108 bytes at most, and tmux adds to them. */
const LONGEST = 100;

/** Where the tmux server of an instance listens. Never below XDG_RUNTIME_DIR (emptied at log-out) or TMPDIR. */
export function socketPath(stateRoot: string, owner: () => string, instanceId: string): string {
  const usual = path.join(stateRoot, 'run', `${instanceId}.sock`);
  if (Buffer.byteLength(usual) <= LONGEST) return usual;
  return path.join('/tmp', `hjk-${String(ownUid())}-${owner()}`, `${instanceId}.sock`);
}

/** Makes the socket's folder, and makes sure that nobody else made it: /tmp is everybody's. */
export function prepareSocketFolder(socket: string): void {
  const folder = path.dirname(socket);
  makePrivateFolder(folder);
  const stat = fs.lstatSync(folder);
  if (stat.isDirectory() && stat.uid === ownUid() && (stat.mode & 0o077) === 0) return;
  if (stat.isDirectory() && stat.uid === ownUid()) {
    fs.chmodSync(folder, 0o700);
    return;
  }
  throw new HeadjackError('tmux_failed', `${folder} belongs to somebody else`, {
    hint: `remove it: sudo rm -r ${folder}`,
  });
}

import fs from 'node:fs';
import path from 'node:path';
import { HeadjackError, ignoring } from '../errors.ts';
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

/** What keeps us from trusting a place. */
interface Doubt {
  readonly place: string;
  readonly why: string;
}

/**
 * Why the folder of our sockets is not ours alone, if so. /tmp is everybody's, and is empty after a boot: who makes the folder
 * first could put a server there that runs, with our rights, what its aliases say a command of ours means.
 */
export function findFolderDoubt(folder: string): Doubt | undefined {
  const stat = lstat(folder);
  if (stat === undefined) return undefined;
  const parent = fs.statSync(path.dirname(folder));
  if ((parent.mode & 0o1002) === 0o2)
    return { place: path.dirname(folder), why: 'lets everybody replace what is in it' };
  if (stat.isSymbolicLink()) return { place: folder, why: 'is a link' };
  if (!stat.isDirectory()) return { place: folder, why: 'is no folder' };
  return stat.uid === ownUid() ? undefined : { place: folder, why: 'belongs to somebody else' };
}

/**
 * The same of a socket. Whoever owns it has bound it, so this tells the uid of the server; to ask the server itself would be to
 * run one of its commands.
 */
export function findSocketDoubt(socket: string): Doubt | undefined {
  const doubt = findFolderDoubt(path.dirname(socket));
  const stat = doubt === undefined ? lstat(socket) : undefined;
  if (stat === undefined) return doubt;
  if (!stat.isSocket()) return { place: socket, why: 'is no socket' };
  return stat.uid === ownUid() ? undefined : { place: socket, why: 'belongs to somebody else' };
}

/**
 * Whether a server of ours may listen there: nobody's is asked otherwise. A folder of ours that others may enter is closed first.
 */
export function isOurSocket(socket: string): boolean {
  if (findSocketDoubt(socket) !== undefined || lstat(socket) === undefined) return false;
  closeFolder(path.dirname(socket));
  return true;
}

/** Makes the socket's folder. @throws HeadjackError tmux_failed where it, or what is in the socket's place, is not ours */
export function prepareSocketFolder(socket: string): void {
  const folder = path.dirname(socket);
  makePrivateFolder(folder);
  const doubt = findSocketDoubt(socket);
  if (doubt !== undefined) throw distrusted(doubt);
  closeFolder(folder);
}

export function distrusted({ place, why }: Doubt): HeadjackError {
  return new HeadjackError('tmux_failed', `${place} ${why}`, {
    hint: place === '/tmp' ? 'sudo chmod 1777 /tmp' : `remove it: sudo rm -r ${place}`,
  });
}

function closeFolder(folder: string): void {
  if ((fs.lstatSync(folder).mode & 0o077) !== 0) fs.chmodSync(folder, 0o700);
}

function lstat(file: string): fs.Stats | undefined {
  return ignoring(['ENOENT', 'ENOTDIR', 'EACCES'], () => fs.lstatSync(file), undefined);
}

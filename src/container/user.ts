import { HeadjackError } from '../errors.ts';
import type { ArchiveEntry } from './port.ts';

/** Who programs in the container are. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** Login shell, '' where the image has no say. */
  readonly shell: string;
}

interface PasswdLine {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

function parsePasswd(text: string): PasswdLine[] {
  return text.split('\n').flatMap(line => {
    const [name, , uid, gid, , home, shell] = line.split(':');
    if (name === undefined || uid === undefined || gid === undefined || !/^\d+$/.test(uid)) return [];
    return [{ name, uid: Number(uid), gid: Number(gid), home: home ?? '', shell: shell ?? '' }];
  });
}

/** Whether what an image or a flag calls its user is root. */
export function isRoot(configured: string): boolean {
  return configured === '' || /^(root|0)(:|$)/.test(configured);
}

/** The user that an image runs as by itself, if it is one of its passwd and not root. */
export function findImageUser(configured: string, passwd: string): PasswdLine | undefined {
  const name = configured.split(':', 1)[0] ?? '';
  if (name === '' || name === 'root' || name === '0') return undefined;
  return parsePasswd(passwd).find(line => line.name === name || String(line.uid) === name);
}

/**
 * `--user`: a name or number, and a group, as the image knows them. Without a group it is the user's own, else root's, as docker
 * has it.
 * @throws HeadjackError usage
 */
export function resolveUser(text: string, passwd: string, group: string): { uid: number; gid: number } {
  const [user = '', given] = text.split(':');
  const found = parsePasswd(passwd).find(line => line.name === user || String(line.uid) === user);
  const uid = found?.uid ?? (/^\d+$/.test(user) ? Number(user) : undefined);
  const groupLine = group.split('\n').find(line => line.startsWith(`${given ?? ''}:`));
  const gid =
    given === undefined
      ? (found?.gid ?? 0)
      : /^\d+$/.test(given)
        ? Number(given)
        : given !== '' && groupLine !== undefined
          ? Number(groupLine.split(':')[2])
          : undefined;
  if (uid !== undefined && gid !== undefined) return { uid, gid };
  throw noSuchUser(text, uid === undefined ? 'user' : 'group');
}

export function noSuchUser(text: string, what: string, cause?: unknown): HeadjackError {
  return new HeadjackError(
    'usage',
    `--user ${text}: unable to find the ${what} in the image's passwd and group`,
    {
      hint: 'name one that the image has, or use numbers',
      cause,
    },
  );
}

const usableShell = (shell: string): string => (/\/(nologin|false)$/.test(shell) ? '' : shell);

/**
 * The files that make `uid:gid` a user of the container: a passwd and group line where the image has none, and a home that is
 * writable and lives as long as the container.
 */
export function planUser(
  ids: { readonly uid: number; readonly gid: number },
  image: { readonly passwd: string; readonly group: string; readonly user: PasswdLine | undefined },
): { user: ContainerUser; entries: ArchiveEntry[] } {
  const { uid, gid } = ids;
  const known = image.user ?? parsePasswd(image.passwd).find(line => line.uid === uid);
  const home = known === undefined || known.home === '' || known.home === '/' ? '/home/hjk' : known.home;
  const entries: ArchiveEntry[] = [];
  if (known === undefined) {
    entries.push({
      kind: 'file',
      path: '/etc/passwd',
      content: append(image.passwd, `hjk:x:${String(uid)}:${String(gid)}:hjk:${home}:/bin/sh`),
      mode: 0o644,
    });
    if (!new RegExp(`^[^:]*:[^:]*:${String(gid)}:`, 'm').test(image.group)) {
      entries.push({
        kind: 'file',
        path: '/etc/group',
        content: append(image.group, `hjk:x:${String(gid)}:`),
        mode: 0o644,
      });
    }
  }
  if (home === '/home/hjk') entries.push({ kind: 'folder', path: home, mode: 0o755, uid, gid });
  return { user: { uid, gid, home, shell: known === undefined ? '' : usableShell(known.shell) }, entries };
}

function append(text: string, line: string): string {
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`;
}

/**
 * A Dockerfile that gives an image's own user other ids and its home to them: made once per image and ids.
 * The user's name, HOME and shell stay.
 */
export function deriveUserDockerfile(
  imageId: string,
  user: PasswdLine,
  ids: { readonly uid: number; readonly gid: number },
): string {
  const line = [user.name, 'x', ids.uid, ids.gid, '', user.home, user.shell].join(':');
  const script = [
    `grep -v '^${user.name}:' /etc/passwd > /etc/passwd.hjk`,
    `echo '${line}' >> /etc/passwd.hjk`,
    'cat /etc/passwd.hjk > /etc/passwd && rm /etc/passwd.hjk',
    `if ! grep -q '^[^:]*:[^:]*:${String(ids.gid)}:' /etc/group; then echo 'hjk:x:${String(ids.gid)}:' >> /etc/group; fi`,
    `if [ -d '${user.home}' ]; then chown -R ${String(ids.uid)}:${String(ids.gid)} '${user.home}'; fi`,
  ].join(' && ');
  return `FROM ${imageId}\nUSER 0\nENTRYPOINT []\nRUN ${JSON.stringify(['sh', '-c', script])}\nUSER ${user.name}\n`;
}

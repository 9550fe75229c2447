import { askInside, Lines } from './inside.ts';
import { asBytes } from './names.ts';
import type { BridgeSubject } from './subject.ts';

/**
 * Gives the container what of the host's refs has changed since the last time: each as it is on the host, and branches also as
 * `refs/remotes/host/…`. What was changed inside stays as it is there. No object needs carrying: the host's are read in place.
 */
export async function giveRefs(
  subject: BridgeSubject,
  refs: { readonly host: ReadonlyMap<string, string>; readonly given: ReadonlyMap<string, string> },
): Promise<{ readonly changed: number; readonly refused: number }> {
  const { host, given } = refs;
  const own = asBytes(`refs/heads/${subject.branch}`);
  const lines: string[] = [];
  const dropped: string[] = [];
  const mirrorName = hostNamesFor(host.keys());
  const zero = '0'.repeat([...host.values()][0]?.length ?? 40);
  for (const [name, object] of host) {
    const last = given.get(name);
    if (last === object) continue;
    if (last !== undefined) dropped.push(last);
    if (name !== own) lines.push(`update ${name} ${object} ${last ?? zero}`);
    if (name.startsWith('refs/heads/')) lines.push(`update ${mirrorName(name)} ${object}`);
  }
  for (const [name, last] of given) {
    if (host.has(name)) continue;
    dropped.push(last);
    if (name !== own) lines.push(`delete ${name} ${last}`);
    if (name.startsWith('refs/heads/')) lines.push(`delete ${mirrorName(name)}`);
  }
  if (lines.length === 0) return { changed: 0, refused: 0 };
  await keepDropped(subject, dropped);
  const { inside } = subject;
  const input = lines.map(line => `${line}\n`).join('');
  const answer = new Lines(await askInside(inside, ['refs', inside.directory, subject.branch], input));
  let refused = 0;
  try {
    while ((await answer.next(8192)) !== '.') refused++;
  } finally {
    await answer.close();
  }
  return { changed: lines.length, refused };
}

/** `refs/remotes/host/…`, or another name where the user has a remote called `host`. */
function hostNamesFor(refs: Iterable<string>): (name: string) => string {
  let remote = 'host';
  for (const name of refs) if (name.startsWith('refs/remotes/host/')) remote = 'hjk-host';
  return name => name.replace(/^refs\/heads\//, `refs/remotes/${remote}/`);
}

/** Commits that the container was given and that no ref of the host names any more: gc must not take what it may build on. */
export async function keepDropped(
  { git, instanceId }: Pick<BridgeSubject, 'git' | 'instanceId'>,
  dropped: readonly string[],
): Promise<void> {
  if (dropped.length === 0) return;
  const unreachable = await git.try(['rev-list', '--stdin', '--no-walk=unsorted', '--not', '--all'], {
    input: dropped.map(object => `${object}\n`).join(''),
  });
  const walked =
    unreachable.code === 0 ? unreachable.stdout.toString('latin1').split('\n').filter(Boolean) : dropped;
  const lines = [...new Set(walked)].map(
    object => `update refs/headjack/keep/${instanceId}/${object} ${object}\n`,
  );
  if (lines.length > 0) await git.try(['update-ref', '--stdin'], { input: lines.join('') });
}

import { decide, type Decision, type Tips } from './decide.ts';
import type { HostGit } from './host-git.ts';

/** `decide`, with the host's git to say what holds what. It is asked only where both sides moved. */
export async function judge(git: HostGit, tips: Tips): Promise<Decision> {
  const { host, inside, carried } = tips;
  const facts = new Map<string, boolean>();
  if (host !== undefined && inside !== undefined && new Set([host, inside, carried]).size === 3) {
    const pairs = [
      [host, inside],
      [inside, host],
    ];
    if (carried !== undefined) pairs.push([carried, host], [carried, inside]);
    for (const [a = '', b = ''] of pairs) {
      const ran = await git.try(['merge-base', '--is-ancestor', a, b]);
      facts.set(`${a} ${b}`, ran.code === 0);
    }
  }
  return decide(tips, (a, b) => facts.get(`${a} ${b}`) === true);
}

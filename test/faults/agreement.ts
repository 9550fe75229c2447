import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { docker, ownerOf, type Sandbox } from '../support/sandbox.ts';

interface Container {
  id: string;
  instance: string;
  state: string;
}

function containersOf(box: Sandbox): Container[] {
  const owner = ownerOf(path.join(box.stateRoot, 'catalog.json'));
  return docker(
    'ps',
    '-a',
    '--no-trunc',
    '--filter',
    `label=dev.headjack.owner=${owner}`,
    '--format',
    '{{.ID}} {{.Label "dev.headjack.instance"}} {{.State}}',
  )
    .split('\n')
    .filter(Boolean)
    .map(line => {
      const [id = '', instance = '', state = ''] = line.split(' ');
      return { id, instance, state };
    });
}

const list = (folder: string): string[] => (fs.existsSync(folder) ? fs.readdirSync(folder) : []);

/** Programs of this machine that still have an operation's id, and belong to this sandbox. */
function hostPrograms(box: Sandbox): string[] {
  return fs
    .readdirSync('/proc')
    .filter(pid => /^\d+$/.test(pid))
    .filter(pid => {
      try {
        const environ = fs.readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
        return environ.some(e => e.startsWith('HEADJACK_OPERATION=')) && environ.includes(`HOME=${box.home}`);
      } catch {
        return false;
      }
    });
}

/**
 * Whether catalog, git, engine, tmux, the programs in the containers and the files agree: looked at with git, docker and tmux
 * themselves, not with hjk. Gives what does not, in words.
 */
export function disagreements(box: Sandbox): string[] {
  const wrong: string[] = [];
  const file = path.join(box.stateRoot, 'catalog.json');
  const entries = fs.existsSync(file) ? box.catalog().entries : [];
  const containers = containersOf(box);
  for (const entry of entries) {
    const own = containers.filter(c => c.instance === entry.id);
    if (entry.operation !== undefined)
      wrong.push(`${entry.branch}: operation ${entry.operation.kind} is left`);
    if (own.length > 1) wrong.push(`${entry.branch}: ${own.length} containers`);
    const [container] = own;
    const runs = container?.state === 'running';
    if (entry.status === 'creating') wrong.push(`${entry.branch}: half made`);
    if ((entry.status === 'running') !== runs)
      wrong.push(
        `${entry.branch}: the catalog says ${entry.status}, docker ${container?.state ?? 'nothing'}`,
      );
    if (container !== undefined && container.id !== entry.container_id)
      wrong.push(`${entry.branch}: container ${container.id.slice(0, 12)} is not the one of the catalog`);
    if (runs)
      wrong.push(
        ...strayPrograms(
          entry.sessions.map(s => s.id),
          container.id,
        ),
      );
  }
  const known = new Set(entries.map(entry => entry.id));
  for (const container of containers)
    if (!known.has(container.instance))
      wrong.push(`container of ${container.instance}, which is in no entry`);
  const trees = box.git('worktree', 'list', '--porcelain').split('\n\n').slice(1).filter(Boolean);
  for (const tree of trees) {
    const place = /^worktree (.+)$/m.exec(tree)?.[1] ?? '';
    const entry = entries.find(e => e.worktree === place);
    if (entry === undefined) wrong.push(`worktree ${place} is in no entry`);
    else if (!tree.includes(`locked headjack ${entry.id}`)) wrong.push(`worktree ${place} is not locked`);
    if (!fs.existsSync(place)) wrong.push(`worktree ${place} is gone`);
  }
  if (trees.length !== entries.length) wrong.push(`${entries.length} entries, ${trees.length} worktrees`);
  const places = path.join(box.stateRoot, 'git');
  for (const repository of list(places))
    for (const name of list(path.join(places, repository)))
      if (!entries.some(e => e.worktree === path.join(places, repository, name)))
        wrong.push(`folder ${name} is left`);
  for (const folder of ['instances', 'logs', 'run'])
    for (const name of list(path.join(box.stateRoot, folder)))
      if (/^[0-9a-f]{8}(\.sock)?$/.test(name) && !known.has(name.slice(0, 8)))
        wrong.push(`${folder}/${name} is left`);
  for (const id of known)
    for (const name of list(path.join(box.stateRoot, 'instances', id)))
      if (/\.(tmp|start|plain)$/.test(name)) wrong.push(`instances/${id}/${name} is left`);
  for (const name of list(box.stateRoot))
    if (/^catalog\.json\./.test(name) && !name.endsWith('.bak')) wrong.push(`${name} is left`);
  for (const name of list(path.join(box.repository, '.git')))
    if (/hjk|\.lock$|\.tmp$/.test(name)) wrong.push(`.git/${name} is left`);
  for (const pid of hostPrograms(box)) wrong.push(`program ${pid} of an operation runs on`);
  return wrong;
}

/** Programs with a session's cookie that no session of the catalog has. */
function strayPrograms(sessions: readonly string[], container: string): string[] {
  const script =
    "for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/environ 2>/dev/null | sed -n 's/^HEADJACK_SESSION_ID=//p'; done | sort -u";
  const cookies = execFileSync('docker', ['exec', '-u', '0', container, 'sh', '-c', script], {
    encoding: 'utf8',
  });
  return cookies
    .split('\n')
    .filter(Boolean)
    .filter(id => !sessions.includes(id))
    .map(id => `a program of session ${id}, which is in no entry`);
}

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { docker, ownerOf } from '../../support/sandbox.ts';
import { sights } from '../canaries.ts';
import type { Attack } from '../attack.ts';
import { must, type World } from '../world.ts';

export interface At {
  readonly home: string;
  readonly folder: string;
  readonly other: string;
  /** A command that tells that it ran. */
  readonly ran: string;
  readonly canary: string;
  /** A container and an image of the user's. */
  readonly bystander: string;
  readonly usersImage: string;
}
type Files = Readonly<Record<string, unknown>>;

const secret = 'a secret of the environment';

/** A branch of somebody else's with these files; `link:` before a content makes it a symbolic link. */
async function writeBranch(world: World, branch: string, files: Files): Promise<void> {
  const tree = path.join(world.folder, 'tmp', branch);
  for (const [name, content] of Object.entries(files)) {
    const place = path.join(tree, name);
    fs.mkdirSync(path.dirname(place), { recursive: true });
    if (typeof content === 'string' && content.startsWith('link:')) fs.symlinkSync(content.slice(5), place);
    else fs.writeFileSync(place, typeof content === 'string' ? content : JSON.stringify(content));
  }
  if (process.getuid!() === 0) execFileSync('chown', ['-hR', String(world.uid), tree]);
  const script = `set -e; export GIT_INDEX_FILE="$PWD/.git/${branch}.index" GIT_WORK_TREE='${tree}' GIT_DIR="$PWD/.git"
git read-tree main; cd "$GIT_WORK_TREE"; git add -f .; c=$(git commit-tree -p main -m "Of somebody else" $(git write-tree))
git update-ref 'refs/heads/${branch}' $c; rm -f "$GIT_INDEX_FILE"`;
  await must(world.run(['sh', '-c', script], { cwd: world.repository }));
  fs.rmSync(tree, { recursive: true });
}

interface Inspected {
  Name: string;
  HostConfig: {
    Privileged: boolean;
    PidMode: string;
    IpcMode: string;
    NetworkMode: string;
    UsernsMode: string;
    CgroupnsMode?: string;
    CapAdd: string[] | null;
    Devices: unknown[] | null;
    SecurityOpt: string[] | null;
    VolumesFrom: string[] | null;
  };
  Mounts: { Type: string; Source: string }[];
}

/** What containers that were made for this world can do to the host. */
function reaches(world: World): string[] {
  const owner = ownerOf(path.join(world.stateRoot, 'catalog.json'));
  const ids = docker('ps', '-aq', '--filter', `label=dev.headjack.owner=${owner}`)
    .split('\n')
    .filter(Boolean);
  if (ids.length === 0) return [];
  const allowed = [
    world.stateRoot,
    path.join(world.repository, '.git'),
    world.remote,
    path.join(world.folder, 'library'),
  ];
  return (JSON.parse(docker('inspect', ...ids)) as Inspected[]).flatMap(
    ({ Name, HostConfig: host, Mounts }) => {
      const said: string[] = [];
      if (host.Privileged) said.push('is privileged');
      for (const mode of [host.PidMode, host.IpcMode, host.NetworkMode, host.UsernsMode])
        if (/^(host|container:)/.test(mode)) said.push(`shares ${mode}`);
      if ((host.CapAdd ?? []).length > 0) said.push(`has ${String(host.CapAdd)}`);
      if ((host.Devices ?? []).length > 0) said.push('has devices');
      if ((host.VolumesFrom ?? []).length > 0) said.push('has volumes of others');
      for (const option of host.SecurityOpt ?? [])
        if (/unconfined|disable/.test(option)) said.push(`is ${option}`);
      for (const { Type, Source } of Mounts)
        if (
          Type === 'bind' &&
          !allowed.some(place => Source === place || Source.startsWith(`${place}/`)) &&
          !Source.includes('/tmp/hjk')
        )
          said.push(`has ${Source}`);
      return said.map(what => `container ${Name} ${what}`);
    },
  );
}

/** What in a worktree is not as the user's own program would leave it. */
function foreignIn(world: World, branch: string): string[] {
  const worktree = world.entry(branch)?.worktree;
  if (worktree === undefined) return [];
  const strange = execFileSync('find', [worktree, '!', '-uid', String(world.uid)], {
    encoding: 'utf8',
  });
  const names = fs.readFileSync(path.join(worktree, '.git'), 'utf8');
  return [
    ...strange
      .split('\n')
      .filter(Boolean)
      .map(file => `${file} is of another user`),
    ...(names.startsWith(`gitdir: ${world.repository}/.git/worktrees/`) ? [] : [`its .git says ${names}`]),
  ];
}

/** Somebody runs that branch, and approves nothing. */
export const unapproved = (name: string, make: (at: At) => Files, more: Partial<Attack> = {}): Attack => ({
  name,
  ...more,
  outside: async (world, word) => {
    const branch = `dc-${word.slice(-40)}`.replace('--', '-');
    const ran = `echo ran >>${world.folder}/ran/${word}`;
    const at = {
      home: world.home,
      folder: world.folder,
      other: world.other,
      ran,
      canary: path.join(world.home, 'canaries', word),
      bystander: world.bystanders.container,
      usersImage: world.bystanders.image,
    };
    await writeBranch(world, branch, make(at));
    const faults: string[] = [];
    const said = await world.hjk(['run', branch]);
    if (word.endsWith('nothing-to-object-to') && said.code !== 0)
      faults.push(`hjk run ended with ${String(said.code)}: ${said.output.slice(0, 300)}`);
    if (said.hung !== undefined) faults.push(`hjk run hung, ${said.hung}`);
    if (said.code === 1) faults.push(`not foreseen: ${said.output.slice(0, 300)}`);
    if (said.output.includes(secret)) faults.push('hjk run prints a secret of the environment');
    faults.push(...reaches(world));
    faults.push(...foreignIn(world, branch));
    if (said.code === 0) {
      const seen = await world.hjk(['exec', branch, '--no-mux', ...sights(world)]);
      faults.push(...seen.output.split('\n').filter(line => line.startsWith('SEES ')));
      const within = await world.hjk([
        'exec',
        branch,
        '--no-mux',
        'sh',
        '-c',
        'env; cat /from-build 2>/dev/null; tr "\\0" "\\n" </proc/1/environ',
      ]);
      if (within.output.includes(secret)) faults.push('a secret of the environment is inside');
    }
    await world.hjk(['rm', branch, '--force', '-D']);
    await world.run(['git', 'update-ref', '-d', `refs/heads/${branch}`], { cwd: world.repository });
    return faults;
  },
});

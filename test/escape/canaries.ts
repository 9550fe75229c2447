import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { docker } from '../support/sandbox.ts';
import type { World } from './world.ts';

/** What is at a place: enough to see any change that matters. */
type Fingerprint = ReadonlyMap<string, string>;

function fingerprint(top: string, skip: readonly string[] = []): Fingerprint {
  const found = new Map<string, string>();
  const visit = (place: string): void => {
    if (skip.includes(place)) return;
    const stat = fs.lstatSync(place, { throwIfNoEntry: false });
    if (stat === undefined) return;
    const kind = stat.isFile()
      ? createHash('sha256').update(fs.readFileSync(place)).digest('hex').slice(0, 16)
      : stat.isSymbolicLink()
        ? fs.readlinkSync(place)
        : '';
    found.set(place, `${stat.mode.toString(8)} ${String(stat.uid)} ${kind}`);
    if (stat.isDirectory()) for (const name of fs.readdirSync(place)) visit(path.join(place, name));
  };
  visit(top);
  return found;
}

function differences(before: Fingerprint, after: Fingerprint): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names]
    .filter(name => before.get(name) !== after.get(name))
    .map(name => `${name} was ${after.has(name) ? (before.has(name) ? 'changed' : 'made') : 'deleted'}`);
}

/** The victim's branches, with what git takes their names for. */
const theirs = [
  'refs/heads/precious',
  'refs/heads/innocent',
  'refs/heads/main',
  'refs/tags/v1',
  'refs/stash',
];
const spoken = ['precious', 'innocent', 'main', 'v1', 'stash', 'origin/main', 'HEAD'];

interface Seen {
  readonly files: Fingerprint;
  readonly facts: readonly string[];
}

function quietly(ask: () => string): string {
  try {
    return ask().trim();
  } catch (error) {
    return `failed: ${String((error as { stderr?: unknown }).stderr)}`;
  }
}

/** With a limit: what the attacker left in the way may keep git for ever. */
const askGit = (cwd: string, args: readonly string[]): string =>
  execFileSync('git', ['-c', 'safe.directory=*', '-c', 'core.fsmonitor=false', ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 10_000,
    killSignal: 'SIGKILL',
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' },
  });

function look(world: World): Seen {
  const { folder, home, repository, other } = world;
  const common = path.join(repository, '.git');
  const innocent = world.entry('innocent')?.worktree ?? '/nonexistent';
  const files = new Map([
    ...fingerprint(home, [
      path.join(home, '.local'),
      path.join(home, '.config/headjack'),
      path.join(home, '.docker'),
    ]),
    ...fingerprint(other),
    ...fingerprint(path.join(folder, 'notes.txt')),
    ...fingerprint(path.join(folder, 'library')),
    ...fingerprint(innocent),
    ...fingerprint(repository, [common]),
    ...fingerprint(path.join(common, 'hooks')),
    ...fingerprint(path.join(common, 'info'), [path.join(common, 'info/refs')]),
    ...fingerprint(path.join(common, 'modules'), [path.join(common, 'modules/sub/index')]), // refreshed by status
    ...fingerprint(path.join(world.remote, 'hooks')),
    ...fingerprint(path.join(world.remote, 'config')),
  ]);
  // not what hjk and git add: names directly beside the repository
  for (const name of fs.readdirSync(folder)) files.set(`${folder}/${name}`, 'there');
  const ask = (...args: string[]): string => quietly(() => askGit(repository, args));
  const configuration = ask('config', '--local', '--list')
    .split('\n')
    .filter(line => !/^(branch\.(?!precious|main)|extensions\.|core\.repositoryformatversion)/.test(line))
    .sort();
  const facts = [
    ...theirs.map(ref => `${ref} is ${ask('rev-parse', '--verify', '-q', ref)}`),
    ...spoken.map(name => `git takes ${name} for ${ask('rev-parse', '--verify', name)}`),
    ...theirs.map(ref => `the first of the reflog of ${ref}: ${firstLog(common, ref)}`),
    `HEAD is ${ask('symbolic-ref', 'HEAD')}`,
    `the commits of precious are ${ask('rev-list', 'precious')}`,
    `precious.txt says ${ask('show', 'precious:precious.txt')}`,
    `the stash says ${ask('show', 'stash@{0}:README.md')}`,
    `status says ${ask('status', '--porcelain', '--ignored')}`,
    `the whole repository has ${ask('rev-list', '--objects', '--quiet', ...theirs)}`,
    `another repository's commit: ${quietly(() => {
      const tip = askGit(other, ['rev-parse', 'HEAD']).trim();
      return ask('cat-file', '-t', tip).startsWith('failed') ? 'unknown' : 'can be read';
    })}`,
    ...configuration.map(line => `configuration: ${line}`),
    `of the victim's own: process ${world.bystander.exitCode === null && world.bystander.signalCode === null ? 'runs' : 'ended'}`,
    `of the victim's own: container ${quietly(() => docker('inspect', '--format', '{{.State.Running}} {{.Image}}', world.bystanders.container))}`,
    `of the victim's own: image ${quietly(() => docker('image', 'inspect', '--format', '{{.Id}}', world.bystanders.image))}`,
  ];
  return { files, facts };
}

function firstLog(common: string, ref: string): string {
  const file = path.join(common, 'logs', ref);
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) return 'none';
  return fs.readFileSync(file, 'utf8').split('\n')[0] ?? '';
}

/** Watches over everything of the victim's from now on. */
export function watchCanaries(world: World): { changes(): string[] } {
  const before = look(world);
  return {
    changes: () => {
      const after = look(world);
      const ran = fs.readdirSync(path.join(world.folder, 'ran'));
      return [
        ...ran.map(
          word =>
            `a program of ${word} ran on the host: ${fs.readFileSync(path.join(world.folder, 'ran', word), 'utf8').split('\n')[0] ?? ''}`,
        ),
        ...differences(before.files, after.files),
        ...after.facts.filter(fact => !before.facts.includes(fact)).map(fact => `now ${fact}`),
        ...before.facts.filter(fact => !after.facts.includes(fact)).map(fact => `no longer ${fact}`),
      ];
    },
  };
}

/** A file and a folder for each attack: which of them changed tells whose it was. */
export function plantFor(world: World, words: readonly string[]): void {
  for (const word of words) {
    const file = path.join(world.home, 'canaries', word);
    fs.writeFileSync(file, '# mine\n');
    fs.mkdirSync(`${file}.d`, { recursive: true });
    for (const name of ['keep', 'notes.txt', 'main', 'precious'])
      fs.writeFileSync(`${file}.d/${name}`, 'mine\n');
    for (const place of [file, `${file}.d`, ...fs.readdirSync(`${file}.d`).map(name => `${file}.d/${name}`)])
      fs.chownSync(place, world.uid, world.uid);
  }
}

/** What of the victim's a program inside sees; nothing, if all is well. Words for `exec`. */
export const sights = (world: World): string[] => [
  'sh',
  '-c',
  'for place in "$@"; do [ ! -e "$place" ] || echo "SEES $place"; done',
  'sights',
  path.join(world.home, '.ssh/id_key'),
  path.join(world.home, '.bashrc'),
  path.join(world.folder, 'notes.txt'),
  path.join(world.folder, 'ran'),
  path.join(world.other, '.git/HEAD'),
  path.join(world.repository, 'README.md'),
  '/var/run/docker.sock',
  '/run/podman/podman.sock',
];

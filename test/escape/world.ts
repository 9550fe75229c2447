import { spawn, type ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { cli, docker, engineSocket, git, makeRepository, makeSandbox, root } from '../support/sandbox.ts';
import { runLimited, type Limited } from './limited.ts';

export type UserName = 'root' | 'user';
/** Of a command of hjk's; what takes longer hangs. Engines that several suites use at once are slow. */
export const verbLimit = 90_000;
/** `nobody`: somebody with a name, which the devcontainer CLI asks for. */
const ordinaryUid = 65534;

/** A victim with a home, work of theirs, and hjk; beside it somebody's other repository. */
export interface World extends AsyncDisposable {
  readonly folder: string;
  readonly home: string;
  readonly repository: string;
  /** Another repository of the victim's, which has nothing to do with this one. */
  readonly other: string;
  readonly remote: string;
  /** The commit of the main branch. */
  readonly start: string;
  readonly stateRoot: string;
  readonly uid: number;
  /** A process of the victim's. */
  readonly bystander: ChildProcess;
  readonly bystanders: Bystanders;
  hjk(args: readonly string[], options?: { input?: string; limitMs?: number }): Promise<Limited>;
  /** Any program of the victim's. */
  run(argv: readonly string[], options: { cwd: string; limitMs?: number }): Promise<Limited>;
  entry(branch: string): { id: string; worktree: string; container_id: string } | undefined;
}

/** What is there before any attack: each line of it is one that somebody must not touch. */
function furnish(folder: string, home: string, repository: string): { other: string; remote: string } {
  fs.writeFileSync(path.join(home, '.bashrc'), '# mine\n');
  fs.writeFileSync(path.join(home, '.profile'), '# mine\n');
  fs.writeFileSync(
    path.join(home, '.gitconfig'),
    '[user]\n\tname = Victim\n\temail = victim@example.invalid\n',
  );
  fs.mkdirSync(path.join(home, '.ssh'), { mode: 0o700 });
  fs.writeFileSync(path.join(home, '.ssh/id_key'), 'a private key\n', { mode: 0o600 });
  fs.writeFileSync(path.join(home, '.ssh/authorized_keys'), 'ssh-ed25519 AAAA mine\n', { mode: 0o600 });
  fs.mkdirSync(path.join(home, '.config/headjack'), { recursive: true });
  fs.writeFileSync(path.join(home, '.config/headjack/config.yaml'), 'git:\n  directory: own\n');
  fs.mkdirSync(path.join(home, 'canaries'));
  fs.writeFileSync(path.join(folder, 'notes.txt'), 'notes beside the repository\n');
  fs.mkdirSync(path.join(folder, 'ran'), { mode: 0o777 });
  fs.chmodSync(path.join(folder, 'ran'), 0o777);
  const other = path.join(folder, 'other');
  makeRepository(other);
  fs.writeFileSync(path.join(other, 'secret'), 'of another repository\n');
  git(other, 'add', '.');
  git(other, 'commit', '-qm', 'A secret');
  const library = path.join(folder, 'library');
  makeRepository(library);
  const mine = (...args: string[]): string => git(repository, '-c', 'protocol.file.allow=always', ...args);
  mine('submodule', 'add', '-q', library, 'sub');
  mine('commit', '-qm', 'Add a submodule');
  mine('switch', '-qc', 'precious');
  fs.writeFileSync(path.join(repository, 'precious.txt'), 'precious\n');
  mine('add', '.');
  mine('commit', '-qm', 'Precious');
  mine('commit', '-q', '--allow-empty', '-m', 'Precious, second');
  mine('tag', '-a', 'v1', '-m', 'The first');
  mine('switch', '-q', 'main');
  fs.appendFileSync(path.join(repository, 'README.md'), 'stashed\n');
  mine('stash', '-q');
  const remote = path.join(folder, 'remote.git');
  git(folder, 'clone', '-q', '--bare', repository, remote);
  mine('remote', 'add', 'origin', remote);
  mine('fetch', '-q');
  mine('branch', '-q', '--set-upstream-to', 'origin/main', 'main');
  return { other, remote };
}

export async function makeWorld(options: {
  readonly user: UserName;
  readonly bystanders: Bystanders;
}): Promise<World> {
  const box = makeSandbox({
    env: {
      HEADJACK_DEVCONTAINER_PATH: path.join(root, 'node_modules/.bin/devcontainer'),
      DOCKER_BUILDKIT: '0',
      HJK_ESCAPE_SECRET: 'a secret of the environment',
    },
  });
  const { folder, home, repository, stateRoot } = box;
  const { other, remote } = furnish(folder, home, repository);
  fs.chmodSync(folder, 0o755);
  const isRoot = process.getuid!() === 0;
  const uid = options.user === 'user' && isRoot ? ordinaryUid : process.getuid!();
  if (uid !== process.getuid!()) execFileSync('chown', ['-hR', `${String(uid)}:${String(uid)}`, folder]);
  const as = uid === process.getuid!() ? {} : { as: { uid, groups: [fs.statSync(engineSocket).gid] } };
  const bystander = spawn('sleep', ['100000'], { stdio: 'ignore', ...(isRoot ? { uid } : {}) });
  const world: World = {
    folder,
    home,
    repository,
    other,
    remote,
    start: git(repository, '-c', 'safe.directory=*', 'rev-parse', 'main').trim(),
    stateRoot,
    uid,
    bystander,
    bystanders: options.bystanders,
    // hjk's own address space: Node alone reserves most of this
    hjk: (args, { input = '', limitMs = verbLimit } = {}) =>
      runLimited([cli, ...args], {
        ...as,
        cwd: repository,
        env: box.env,
        input,
        limitMs,
        memoryKb: 3_000_000,
      }),
    run: (argv, { cwd, limitMs = 10_000 }) =>
      runLimited(argv, { ...as, cwd, env: box.env, limitMs, memoryKb: 3_000_000 }),
    entry: branch => {
      const file = path.join(stateRoot, 'catalog.json');
      return fs.existsSync(file) ? box.catalog().entries.find(entry => entry.branch === branch) : undefined;
    },
    async [Symbol.asyncDispose]() {
      bystander.kill();
      try {
        await box[Symbol.asyncDispose]();
      } catch {
        // deeper than a path can be: Node gives up, rm does not
        execFileSync('rm', ['-rf', folder]);
      }
    },
  };
  try {
    await must(world.hjk(['run', 'innocent']));
    await must(world.hjk(['exec', 'innocent', '-d', '-n', 'keep', 'sleep', '100000']));
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
  return world;
}

/** For what the suite itself needs: anything but success ends it. */
export async function must(running: Promise<Limited>): Promise<Limited> {
  const ran = await running;
  if (ran.code !== 0 || ran.hung !== undefined)
    throw new Error(`${ran.command} ended with ${String(ran.code)}${ran.hung ?? ''}: ${ran.output}`);
  return ran;
}

/** What the victim has on the engine that hjk has nothing to do with. */
export interface Bystanders extends Disposable {
  readonly container: string;
  readonly image: string;
}

export function startBystanders(image: string): Bystanders {
  const own = `hjk-escape:${String(process.pid)}`;
  const container = `hjk-escape-${String(process.pid)}`;
  docker('tag', image, own);
  docker('run', '-d', '--name', container, own, 'sleep', '100000');
  return {
    container,
    image: own,
    [Symbol.dispose]: () => {
      docker('rm', '-f', container);
      docker('rmi', '-f', own);
    },
  };
}

import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { LOST_CALL_TRIES, wasLost } from '../../src/container/lost-calls.ts';

export const root = path.resolve(import.meta.dirname, '../..');
export const cli = path.join(root, 'dist/cli/hjk.cjs');
export const testImage = 'hjk-test:base';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A home, a repository and a way to run hjk in them; all of it is removed at the end of the test that `using`s it. */
export interface Sandbox extends AsyncDisposable {
  readonly folder: string;
  readonly home: string;
  readonly stateRoot: string;
  readonly repository: string;
  readonly env: NodeJS.ProcessEnv;
  hjk(...args: string[]): Promise<Ran>;
  /** Fails the test where the exit code is not 0. Gives stdout. */
  ok(...args: string[]): Promise<string>;
  spawn(
    args: readonly string[],
    options?: { env?: NodeJS.ProcessEnv; cwd?: string; stdio?: 'pipe' | 'ignore' },
  ): ChildProcess;
  git(...args: string[]): string;
  catalog(): { version: number; entries: Entry[] };
}

interface Entry {
  id: string;
  branch: string;
  worktree: string;
  container_id: string;
  status: string;
  repo_id: string;
  operation?: { id: string; kind: string; pid: number; deleting?: { snapshot: string } };
  sessions: {
    id: string;
    name: string;
    mux_session_id: string;
    type: string;
    exit_code?: number;
    ended_at?: string;
    last_accessed: string;
  }[];
}

const exec = promisify(execFile);

/** The engine that the tests run on: Docker, the Docker at HJK_TEST_DOCKER or the podman at HJK_TEST_PODMAN (paths of sockets). */
const podmanSocket = process.env['HJK_TEST_PODMAN'];
const dockerSocket = process.env['HJK_TEST_DOCKER'];
export const onPodman = podmanSocket !== undefined;
export const engineSocket = podmanSocket ?? dockerSocket ?? '/var/run/docker.sock';
/** What programs in a container see as their uid: a rootless Docker maps its user to root. */
export const uidInside = (uid: number): number =>
  dockerSocket !== undefined && process.getuid!() !== 0 ? 0 : uid;
/** The variable that says where hjk finds the engine. */
export const hostVariable = onPodman ? 'CONTAINER_HOST' : 'DOCKER_HOST';
// the docker program serves both: podman speaks Docker's API
const engineEnv: NodeJS.ProcessEnv =
  podmanSocket === undefined
    ? dockerSocket === undefined
      ? {}
      : { DOCKER_HOST: `unix://${dockerSocket}` }
    : {
        HEADJACK_RUNTIME_NAME: 'podman',
        CONTAINER_HOST: `unix://${podmanSocket}`,
        DOCKER_HOST: `unix://${podmanSocket}`,
      };
Object.assign(process.env, engineEnv);

/** Without the programs that npx adds for us: no user has them there. */
const userPath = (process.env['PATH'] ?? '')
  .split(':')
  .filter(folder => !folder.includes('node_modules'))
  .join(':');

export function plainEnv(home: string): NodeJS.ProcessEnv {
  return {
    ...engineEnv,
    PATH: userPath,
    HOME: home,
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    HEADJACK_BASE_IMAGE: testImage,
  };
}

export function makeFolder(prefix = 'hjk-test-'): string {
  return fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), prefix)));
}

export function git(folder: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd: folder,
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'T',
      GIT_AUTHOR_EMAIL: 't@t',
      GIT_COMMITTER_NAME: 'T',
      GIT_COMMITTER_EMAIL: 't@t',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export function makeRepository(folder: string): void {
  fs.mkdirSync(folder, { recursive: true });
  git(folder, 'init', '-q', '-b', 'main');
  git(folder, 'config', 'user.name', 'Test');
  git(folder, 'config', 'user.email', 'test@example.invalid');
  fs.writeFileSync(path.join(folder, 'README.md'), '# project\n');
  git(folder, 'add', '.');
  git(folder, 'commit', '-qm', 'First commit');
}

export async function runProgram(
  file: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; input?: string },
): Promise<Ran> {
  const running = exec(file, args, {
    cwd: options.cwd,
    env: options.env,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 ** 2,
  });
  running.child.stdin?.on('error', () => undefined); // a program that ends without reading it
  running.child.stdin?.end(options.input ?? '');
  try {
    const { stdout, stderr } = await running;
    return { code: 0, stdout, stderr };
  } catch (error) {
    const failed = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof failed.code !== 'number') throw error;
    return { code: failed.code, stdout: failed.stdout ?? '', stderr: failed.stderr ?? '' };
  }
}

/** config.yaml under which instances get a git directory of their own, or the repository's behind masks. */
export const ownGit = 'git: {directory: own}\n';
export const sharedGit = 'git: {directory: shared}\n';

export function makeSandbox(
  options: { repository?: string; env?: NodeJS.ProcessEnv; config?: string } = {},
): Sandbox {
  const folder = makeFolder();
  const home = path.join(folder, 'home');
  fs.mkdirSync(home);
  if (options.config !== undefined) {
    fs.mkdirSync(path.join(home, '.config/headjack'), { recursive: true, mode: 0o700 });
    fs.writeFileSync(path.join(home, '.config/headjack/config.yaml'), options.config, { mode: 0o600 });
  }
  const repository = path.join(folder, options.repository ?? 'project');
  makeRepository(repository);
  // of its own: what a test beside this one leaves there, doctor would find here
  const temp = path.join(folder, 'tmp');
  fs.mkdirSync(temp);
  const env = { ...plainEnv(home), TMPDIR: temp, ...options.env };
  const stateRoot = path.join(home, '.local/share/headjack');
  const hjk = (...args: string[]): Promise<Ran> => runProgram(cli, args, { cwd: repository, env });
  return {
    folder,
    home,
    stateRoot,
    repository,
    env,
    hjk,
    async ok(...args) {
      const ran = await hjk(...args);
      if (ran.code !== 0)
        throw new Error(`hjk ${args.join(' ')} ended with ${ran.code}\n${ran.stdout}${ran.stderr}`);
      return ran.stdout;
    },
    spawn: (args, spawnOptions = {}) =>
      spawn(cli, args, {
        cwd: spawnOptions.cwd ?? repository,
        env: spawnOptions.env ?? env,
        stdio: spawnOptions.stdio ?? 'pipe',
      }),
    git: (...args) => git(repository, ...args),
    catalog: () =>
      JSON.parse(fs.readFileSync(path.join(stateRoot, 'catalog.json'), 'utf8')) as {
        version: number;
        entries: Entry[];
      },
    async [Symbol.asyncDispose]() {
      const owner = ownerOf(path.join(stateRoot, 'catalog.json'));
      const ids = docker('ps', '-aq', '--filter', `label=dev.headjack.owner=${owner}`)
        .split('\n')
        .filter(Boolean);
      if (ids.length > 0) docker('rm', '-f', ...ids);
      const sockets = path.join(stateRoot, 'run');
      for (const socket of fs.existsSync(sockets) ? fs.readdirSync(sockets) : []) {
        await exec('tmux', ['-S', path.join(sockets, socket), 'kill-server']).catch(() => undefined);
      }
      await removeFolder(folder);
    },
  };
}

/** Pumps whose container is gone may still write their last word. */
async function removeFolder(folder: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      fs.rmSync(folder, { recursive: true, force: true });
      return;
    } catch (error) {
      if (tries >= 50 || (error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }
}

export function ownerOf(catalog: string): string {
  const folder = path.dirname(catalog);
  const real = fs.existsSync(folder) ? path.join(fs.realpathSync(folder), path.basename(catalog)) : catalog;
  return createHash('sha256').update(real).digest('hex').slice(0, 12);
}

export function docker(...args: string[]): string {
  return askDocker(args, '');
}

/** Without BuildKit: Debian's engine has none. */
export function buildTestImage(tag: string, dockerfile: string): void {
  askDocker(['build', '-q', '-t', tag, '-'], dockerfile);
}

function askDocker(args: string[], input: string): string {
  for (let tries = LOST_CALL_TRIES; ; tries--)
    try {
      return execFileSync('docker', args, {
        encoding: 'utf8',
        stdio: 'pipe',
        input,
        env: { ...process.env, DOCKER_BUILDKIT: '0' },
      });
    } catch (error) {
      if (tries === 1 || !wasLost((error as { stderr: string }).stderr)) throw error;
    }
}

/** A rootless engine on cgroups v1 has no rights to limit anything, and leaves limits out. */
export function limitsWork(): boolean {
  const rootless = process.getuid?.() !== 0;
  return !rootless || docker('info', '--format', '{{.CgroupVersion}}').trim() !== '1';
}

/** Asks until it is so; fails with `what` after `limitMs`. */
export async function until(
  what: string,
  probe: () => boolean | Promise<boolean>,
  limitMs = 15_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await probe())) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

export function ended(child: ChildProcess): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', chunk => (stdout += String(chunk)));
  child.stderr?.on('data', chunk => (stderr += String(chunk)));
  return new Promise(resolve => {
    child.on('close', (code, signal) => {
      resolve({ code: code ?? (signal === 'SIGKILL' ? 137 : 1), stdout, stderr });
    });
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

import { realpathSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { childProcess } from '../process/child-process.ts';
import { makePrivateFolder } from '../process/files.ts';
import {
  findProgram as findOnPath,
  isExecutable,
  ProgramMissing,
  withAbsolutePath,
} from '../process/programs.ts';
import { runCaptured } from '../process/run.ts';
import { HeadjackError } from '../errors.ts';
import { readRegular } from '../process/regular-file.ts';

/** The devcontainer CLI: what it is found as, and by what. */
export interface DevcontainerProgram {
  readonly file: string;
  readonly source: 'devcontainer.path' | 'PATH' | 'installed';
}

/** The version that is installed on request; others work as long as they know the same options. */
const VERSION = '0.89.0';

export interface ProgramPlaces {
  /** `devcontainer.path` of the configuration. */
  readonly configured: string | undefined;
  readonly stateRoot: string;
  readonly env: NodeJS.ProcessEnv;
}

const installFolder = (stateRoot: string): string => path.join(stateRoot, 'tools', 'devcontainer-cli');

/** `devcontainer.path`, else the one on the PATH, else the one that hjk installed. @throws HeadjackError config_invalid */
export function findProgram(places: ProgramPlaces): DevcontainerProgram | undefined {
  const { configured, stateRoot, env } = places;
  if (configured !== undefined) {
    if (isExecutable(configured)) return { file: configured, source: 'devcontainer.path' };
    throw new HeadjackError('config_invalid', `devcontainer.path: ${configured} is no program`, {
      hint: 'hjk config devcontainer.path ""',
    });
  }
  const onPath = findOnPath('devcontainer', env);
  if (onPath !== undefined) return { file: onPath, source: 'PATH' };
  const own = path.join(installFolder(stateRoot), 'node_modules', '.bin', 'devcontainer');
  return isExecutable(own) ? { file: own, source: 'installed' } : undefined;
}

/** @throws HeadjackError devcontainer_missing */
export function requireProgram(places: ProgramPlaces, file: string): DevcontainerProgram {
  const found = findProgram(places);
  if (found !== undefined) return found;
  throw new HeadjackError(
    'devcontainer_missing',
    `${file} of the branch needs the devcontainer CLI, which is not installed`,
    { hint: 'hjk devcontainer install, or do without the file: --image <ref>' },
  );
}

/** Installs the CLI under the state root, beside nothing of the user's. @throws HeadjackError command_failed with npm's words */
export async function installProgram(places: ProgramPlaces): Promise<DevcontainerProgram> {
  const folder = installFolder(places.stateRoot);
  const fresh = `${folder}.${String(process.pid)}`;
  makePrivateFolder(fresh);
  try {
    const spec = `@devcontainers/cli@${VERSION}`;
    const args = ['install', '--prefix', fresh, '--ignore-scripts', '--no-audit', '--no-fund', spec];
    const ran = await runCaptured('npm', args, { env: places.env, cwd: fresh });
    if (ran.code !== 0)
      throw new HeadjackError('command_failed', `npm cannot install ${spec}`, {
        details: ran.stderr.trim().split('\n').slice(-5),
        hint: `install it yourself: npm install --global ${spec}`,
      });
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } catch (error) {
    if (!(error instanceof ProgramMissing)) throw error;
    throw new HeadjackError('command_failed', 'npm is not installed', { hint: 'install Node with npm' });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  const file = path.join(folder, 'node_modules', '.bin', 'devcontainer');
  return { file, source: 'installed' };
}

/** Options that keep credentials for one registry from another, of a version that has them. */
export async function hardeningOptions(file: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const version = packageVersion(file) ?? (await runCaptured(file, ['--version'], { env })).stdout.toString();
  const [major = 0, minor = 0] = version.trim().split('.').map(Number);
  return major > 0 || minor >= 89 ? ['--oci-auth-hardening'] : [];
}

/** As the package says that the program is of: asking the program would cost the start of a Node. */
function packageVersion(file: string): string | undefined {
  try {
    const said: unknown = JSON.parse(
      readRegular(path.join(path.dirname(realpathSync(file)), 'package.json')).toString('utf8'),
    );
    const { name, version } = said as { name?: unknown; version?: unknown };
    return name === '@devcontainers/cli' && typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}

/** What `devcontainer up` says in the end. */
export interface Outcome {
  readonly outcome: 'success' | 'error';
  readonly message?: string;
  readonly description?: string;
  readonly remoteUser?: string;
  readonly mergedConfiguration?: Readonly<Record<string, unknown>>;
}

/**
 * Runs the CLI in a process group of its own, which is ended with it: its helpers outlive it otherwise.
 * @param order.tell each line of its narration
 * @returns what it printed last, and the last lines of its narration
 */
export function runProgram(
  file: string,
  args: readonly string[],
  order: {
    readonly env: NodeJS.ProcessEnv;
    readonly cwd: string;
    readonly signal: AbortSignal;
    readonly tell: (line: string) => void;
  },
): Promise<{ outcome: Outcome | undefined; log: readonly string[] }> {
  return new Promise((resolve, reject) => {
    const { env, cwd, signal, tell } = order;
    const child = childProcess().spawn(file, args, {
      cwd,
      env: withAbsolutePath(env),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const endGroup = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      } catch {
        // nobody is left
      }
    };
    let stdout = '';
    let rest = '';
    const log: string[] = [];
    child.stdout.setEncoding('utf8').on('data', chunk => (stdout += String(chunk)));
    child.stderr.setEncoding('utf8').on('data', chunk => {
      const lines = (rest + String(chunk)).split(/\r?\n|\r/);
      rest = lines.pop() ?? '';
      for (const line of lines.map(withoutTime).filter(text => text.trim() !== '')) {
        log.push(line);
        if (log.length > 200) log.shift();
        tell(line);
      }
    });
    signal.addEventListener('abort', endGroup);
    child.on('error', reject);
    child.on('exit', () => {
      signal.removeEventListener('abort', endGroup);
      endGroup();
      // a helper that does not listen may hold the streams open
      const limit = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, 1000);
      child.on('close', () => {
        clearTimeout(limit);
        resolve({ outcome: parseOutcome(stdout), log });
      });
    });
  });
}

/** Each line of the narration begins with when it was said. */
function withoutTime(line: string): string {
  return line.replace(/^\[(\d+ ms|[\d:.TZ-]+)\] ?/, '');
}

function parseOutcome(stdout: string): Outcome | undefined {
  const line = stdout.trim().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line) as Outcome;
  } catch {
    return undefined;
  }
}

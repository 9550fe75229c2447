import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { HeadjackError } from '../../errors.ts';
import { realPathOf } from '../../process/files.ts';
import { ownUid } from '../../process/identity.ts';
import { runCaptured } from '../../process/run.ts';
import { runGit } from '../../git/run-git.ts';
import type { Services } from '../services.ts';
import { found, type Found } from './finding.ts';

/** What hjk is made for; older ones may work, and are not tried. */
const oldest = { node: [20, 19], git: [2, 31], tmux: [3, 0], engineApi: [1, 41] } as const;
const LOW_DISK_BYTES = 1024 ** 3;

/** Programs, engine, image, disk and folders: what every command needs. */
export async function judgeInstallation(
  services: Services,
  engineError: HeadjackError | undefined,
): Promise<Found[]> {
  const [git, tmux, engine] = await Promise.all([
    judgeProgram(services, 'git', ['--version'], 'git-unusable'),
    judgeProgram(services, 'tmux', ['-V'], 'tmux-unusable'),
    judgeEngine(services, engineError),
  ]);
  return [...judgeNode(), ...git, ...tmux, ...engine, ...judgeDisk(services), ...judgeFolders(services)];
}

function isOlder(version: string, least: readonly number[]): boolean {
  const parts = /(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number) ?? [0, 0];
  const [major = 0, minor = 0] = parts;
  const [needMajor = 0, needMinor = 0] = least;
  return major < needMajor || (major === needMajor && minor < needMinor);
}

function judgeNode(): Found[] {
  const { node } = process.versions;
  if (!isOlder(node, oldest.node)) return [];
  return [found({ code: 'node-old', subject: `Node ${node}`, repair: 'install Node 20.19 or newer' })];
}

async function judgeProgram(
  services: Services,
  program: 'git' | 'tmux',
  args: readonly string[],
  code: 'git-unusable' | 'tmux-unusable',
): Promise<Found[]> {
  try {
    const { env } = services;
    const { stdout } = await (program === 'git'
      ? runGit({ args, env, timeoutMs: 10_000 })
      : runCaptured(program, args, { env, timeoutMs: 10_000 }));
    const version = stdout.toString('utf8').trim();
    if (!isOlder(version, oldest[program])) return [];
    return [
      found({ code, subject: version, repair: `install ${program} ${oldest[program].join('.')} or newer` }),
    ];
  } catch {
    return [
      found({
        code,
        subject: `${program} is not installed, or not on PATH`,
        repair: `apt-get install ${program}`,
      }),
    ];
  }
}

async function judgeEngine(services: Services, error: HeadjackError | undefined): Promise<Found[]> {
  if (error !== undefined)
    return [found({ code: 'engine-unusable', subject: error.message, repair: error.hint ?? 'start it' })];
  const runtime = await services.runtime();
  const { version, apiVersion } = await runtime.version();
  const old = isOlder(apiVersion, oldest.engineApi)
    ? [found({ code: 'engine-unusable', subject: `the engine, version ${version}`, repair: 'update it' })]
    : [];
  const image = services.settings.baseImage;
  if ((await runtime.findImage(image)) !== undefined) return old;
  const own = image.startsWith('headjack/base');
  return [
    ...old,
    found({
      code: 'image-missing',
      severity: 'note',
      subject: image,
      repair: own ? 'hjk image build' : 'none is needed: the next run pulls it',
    }),
  ];
}

function judgeDisk(services: Services): Found[] {
  const places = new Set(
    [services.paths.state_root, services.paths.worktrees, services.paths.logs, os.tmpdir()].map(nearest),
  );
  return [...places].flatMap(place => {
    const { bavail, bsize, ffree, files } = fs.statfsSync(place);
    const free = bavail * bsize;
    const full = free < LOW_DISK_BYTES || (files > 0 && ffree < 10_000);
    if (!full) return [];
    const evidence = [`${String(Math.round(free / 1024 ** 2))} MiB and ${String(ffree)} files free`];
    return [found({ code: 'disk-low', severity: 'note', subject: place, evidence, repair: 'make room' })];
  });
}

/** The folder, or the nearest above it that exists. */
function nearest(folder: string): string {
  return fs.existsSync(folder) ? realPathOf(folder) : nearest(path.dirname(folder));
}

function judgeFolders(services: Services): Found[] {
  const { state_root, catalog, logs, worktrees } = services.paths;
  const result: Found[] = [];
  for (const place of [
    state_root,
    path.join(state_root, 'instances'),
    path.join(state_root, 'run'),
    logs,
    catalog,
  ]) {
    const stat = fs.statSync(place, { throwIfNoEntry: false });
    if (stat === undefined || (stat.mode & 0o077) === 0) continue;
    const mine = stat.uid === ownUid();
    const mode = stat.isDirectory() ? 0o700 : 0o600;
    result.push(
      found({
        code: 'folder-open',
        subject: place,
        evidence: [`mode ${(stat.mode & 0o777).toString(8)}${mine ? '' : ', owned by somebody else'}`],
        repair: `chmod ${mode.toString(8)} ${place}`,
        ...(mine
          ? {
              fix: () => {
                fs.chmodSync(place, mode);
              },
            }
          : {}),
      }),
    );
  }
  const doubt = services.host.doubt();
  if (doubt !== undefined)
    result.push(
      found({
        code: 'folder-open',
        subject: doubt.place,
        evidence: [doubt.why, 'no terminal can be opened there'],
        repair: `remove it: sudo rm -r ${doubt.place}`,
      }),
    );
  if (Buffer.byteLength(worktrees) > 3000)
    result.push(
      found({
        code: 'path-long',
        subject: worktrees,
        repair: 'choose a shorter one: hjk config storage.worktrees <folder>',
      }),
    );
  const socket = path.join(state_root, 'run', '00000000.sock');
  if (Buffer.byteLength(socket) > 100)
    result.push(
      found({
        code: 'path-long',
        severity: 'note',
        subject: state_root,
        evidence: ['too long for a socket: the terminals are below /tmp'],
        repair: 'none is needed; a shorter HEADJACK_STATE_DIR keeps everything in one place',
      }),
    );
  return result;
}

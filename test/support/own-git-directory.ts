import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { createEngineExec } from '../../src/container/engine-exec.ts';
import { createEngineHttp } from '../../src/container/engine-http.ts';
import { openHostGit } from '../../src/git-directory/bridge/host-git.ts';
import { runPass } from '../../src/git-directory/bridge/pass.ts';
import type { PassOptions, PassReport } from '../../src/git-directory/bridge/report.ts';
import { loadState, type BridgeState } from '../../src/git-directory/bridge/state.ts';
import type { BridgeSubject } from '../../src/git-directory/bridge/subject.ts';
import { docker, engineSocket, git, makeFolder, makeRepository, testImage } from './sandbox.ts';

/** A repository, a worktree of branch `feat`, and a container with a git directory of its own, made by hand. */
export interface TwoSides extends AsyncDisposable {
  readonly folder: string;
  readonly repository: string;
  readonly worktree: string;
  /** The container's git directory. */
  readonly directory: string;
  readonly container: string;
  readonly subject: BridgeSubject;
  /** Runs a shell line in the worktree inside. */
  inside(line: string): string;
  host(...args: string[]): string;
  pass(options?: Partial<PassOptions>): Promise<PassReport>;
  state(): BridgeState | undefined;
  /** Tip of the branch on both sides. */
  tips(): { host: string; inside: string };
}

const INSIDE = '/run/headjack/git';
let count = 0;

export function makeTwoSides(options: { format?: 'sha1' | 'sha256'; user?: string } = {}): TwoSides {
  const folder = makeFolder('hjk-bridge-');
  const repository = path.join(folder, 'project');
  if (options.format === 'sha256') {
    fs.mkdirSync(repository);
    git(repository, 'init', '-q', '-b', 'main', '--object-format=sha256');
    fs.writeFileSync(path.join(repository, 'README.md'), '# project\n');
    git(repository, 'add', '.');
    git(repository, 'commit', '-qm', 'First commit');
  } else makeRepository(repository);
  const worktree = path.join(folder, 'feat');
  git(repository, 'worktree', 'add', '-q', '-b', 'feat', worktree);
  const common = path.join(repository, '.git');
  const directory = makeDirectory(folder, { common, worktree, format: options.format ?? 'sha1' });
  const user = options.user ?? '0:0';
  if (user !== '0:0') execFileSync('chown', ['-R', user, folder]);
  const container = docker(
    ...['run', '-d', '--init', '--label', 'hjk-bridge-test', '--user', user],
    ...['-v', `${worktree}:${worktree}`, '-v', `${directory}:${INSIDE}`],
    ...['-v', `${path.join(folder, 'gitfile')}:${worktree}/.git:ro`],
    ...['-v', `${common}/objects:${common}/objects:ro`],
    ...['-e', 'GIT_AUTHOR_NAME=I', '-e', 'GIT_AUTHOR_EMAIL=i@i', '-e', 'GIT_COMMITTER_NAME=I'],
    ...['-e', 'GIT_COMMITTER_EMAIL=i@i', '-e', 'HOME=/tmp', '-w', worktree, testImage, 'sleep', '100000'],
  ).trim();
  const subject: BridgeSubject = {
    instanceId: `0000000${String(++count % 10)}`,
    branch: 'feat',
    directory,
    metadata: path.join(common, 'worktrees', 'feat'),
    stateFile: path.join(folder, 'bridge.json'),
    git: openHostGit(common, { PATH: process.env['PATH'], HOME: folder }),
    inside: {
      exec: createEngineExec(createEngineHttp(engineSocket, 30_000)),
      container,
      user,
      env: [],
      worktree,
      directory: INSIDE,
    },
  };
  let marks = Date.now();
  // the folder belongs to the user inside, who may be another one
  const host = (...args: string[]): string => git(worktree, '-c', 'safe.directory=*', ...args).trim();
  return {
    folder,
    repository,
    worktree,
    directory,
    container,
    subject,
    host,
    inside: line => docker('exec', '-w', worktree, container, 'sh', '-ec', line).trim(),
    pass: more =>
      runPass(subject, { randomHex: bytes => (marks++).toString(16).padStart(bytes * 2, '0'), ...more }),
    state: () => loadState(subject.stateFile),
    tips: () => ({
      host: host('rev-parse', 'refs/heads/feat'),
      inside: docker('exec', '-w', worktree, container, 'git', 'rev-parse', 'refs/heads/feat').trim(),
    }),
    [Symbol.asyncDispose]() {
      docker('rm', '-f', container);
      fs.rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

function makeDirectory(
  folder: string,
  { common, worktree, format }: { common: string; worktree: string; format: string },
): string {
  const directory = path.join(folder, 'git');
  for (const name of ['refs/heads', 'refs/tags', 'objects/info', 'objects/pack', 'info', 'logs'])
    fs.mkdirSync(path.join(directory, name), { recursive: true });
  const write = (name: string, text: string): void => {
    fs.writeFileSync(path.join(directory, name), text);
  };
  write('objects/info/alternates', `${common}/objects\n`);
  const refs = git(worktree, 'for-each-ref', '--format=%(objectname) %(refname)');
  write('packed-refs', `# pack-refs with: sorted \n${refs}`);
  write('HEAD', 'ref: refs/heads/feat\n');
  write(
    'config',
    `[core]\n\trepositoryformatversion = ${format === 'sha1' ? '0' : '1'}\n\tbare = false\n\tlogallrefupdates = true\n[gc]\n\tauto = 0\n${
      format === 'sha1' ? '' : '[extensions]\n\tobjectformat = sha256\n'
    }`,
  );
  fs.copyFileSync(path.join(common, 'worktrees', 'feat', 'index'), path.join(directory, 'index'));
  fs.writeFileSync(path.join(folder, 'gitfile'), `gitdir: ${INSIDE}\n`);
  return directory;
}

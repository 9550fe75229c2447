import fs from 'node:fs';
import path from 'node:path';
import { git, type Sandbox } from '../support/sandbox.ts';

/** The user's work: whatever happens, these bytes are in the worktree or come back with `hjk restore`. */
export interface Treasure {
  readonly files: Readonly<Record<string, string>>;
  /** Commits that some ref must go on holding. */
  readonly commits: readonly string[];
}

export interface Scenario {
  readonly name: string;
  prepare(box: Sandbox, branch: string): Promise<Treasure>;
  readonly args: (branch: string) => string[];
  /** The fault is in the session's pump, which `args` starts, not in the command itself. */
  readonly inPump?: boolean;
  /** What the branch may be called afterwards. */
  readonly renamed?: (branch: string) => string;
  /** The next ordinary command: it works, or the exit code says why it cannot. */
  readonly next: (branch: string) => { args: string[]; codes: readonly number[] };
}

const nothing: Treasure = { files: {}, commits: [] };
const worktreeOf = (box: Sandbox, branch: string): string =>
  box.catalog().entries.find(entry => entry.branch === branch)!.worktree;

/** Work of every kind: staged, changed, untracked, committed on no branch. */
async function work(box: Sandbox, branch: string): Promise<Treasure> {
  await box.ok('run', branch);
  const tree = worktreeOf(box, branch);
  const put = (name: string, text: string): void => {
    fs.mkdirSync(path.dirname(path.join(tree, name)), { recursive: true });
    fs.writeFileSync(path.join(tree, name), text);
  };
  git(tree, 'checkout', '-q', '--detach');
  put('committed', 'committed on no branch\n');
  git(tree, 'add', '.');
  git(tree, 'commit', '-qm', 'Detached');
  const commits = [git(tree, 'rev-parse', 'HEAD').trim()];
  put('staged', 'staged\n');
  git(tree, 'add', 'staged');
  put('README.md', 'changed\n');
  put('deep/er/untracked', 'untracked\n');
  const files = {
    committed: 'committed on no branch\n',
    staged: 'staged\n',
    'README.md': 'changed\n',
    'deep/er/untracked': 'untracked\n',
  };
  return { files, commits };
}

async function withSession(box: Sandbox, branch: string): Promise<Treasure> {
  const treasure = await work(box, branch);
  await box.ok('exec', branch, '-d', '-n', 's', 'sleep', '1000');
  return treasure;
}
async function stopped(box: Sandbox, branch: string): Promise<Treasure> {
  const treasure = await work(box, branch);
  await box.ok('stop', branch);
  return treasure;
}
async function removed(box: Sandbox, branch: string): Promise<Treasure> {
  const treasure = await work(box, branch);
  await box.ok('rm', branch, '--force');
  return treasure;
}

const ok = [0] as const;

export const scenarios: readonly Scenario[] = [
  {
    name: 'run',
    prepare: () => Promise.resolve(nothing),
    args: b => ['run', b],
    next: b => ({ args: ['run', b], codes: ok }),
  },
  {
    name: 'rm --force',
    prepare: work,
    args: b => ['rm', b, '--force'],
    next: b => ({ args: ['rm', b, '--force'], codes: [0, 3] }),
  },
  {
    name: 'rm --force, session',
    prepare: withSession,
    args: b => ['rm', b, '--force'],
    next: b => ({ args: ['rm', b, '--force'], codes: [0, 3] }),
  },
  {
    name: 'rm -D',
    prepare: async (box, branch) => {
      await box.ok('run', branch);
      return nothing;
    },
    args: b => ['rm', b, '--yes', '-D'],
    next: b => ({ args: ['run', b], codes: ok }),
  },
  {
    name: 'run, stopped',
    prepare: stopped,
    args: b => ['run', b],
    next: b => ({ args: ['run', b], codes: ok }),
  },
  {
    name: 'exec -d',
    prepare: work,
    args: b => ['exec', b, '-d', '-n', 's', 'sleep', '1000'],
    next: b => ({ args: ['exec', b, '-d', 'sleep', '1000'], codes: ok }),
  },
  {
    name: 'exec --no-mux',
    prepare: work,
    args: b => ['exec', b, '--no-mux', 'sh', '-c', 'echo out; cat'],
    next: b => ({ args: ['exec', b, '--no-mux', 'true'], codes: ok }),
  },
  {
    name: 'exec -d, its pump',
    prepare: work,
    args: b => ['exec', b, '-d', '-n', 's', 'sh', '-c', 'echo begin; sleep 0.3; echo end'],
    next: b => ({ args: ['kill', `${b}/s`], codes: [0, 3] }),
    inPump: true,
  },
  {
    name: 'stop',
    prepare: withSession,
    args: b => ['stop', b],
    next: b => ({ args: ['stop', b], codes: ok }),
  },
  {
    name: 'kill',
    prepare: withSession,
    args: b => ['kill', `${b}/s`],
    next: b => ({ args: ['kill', `${b}/s`], codes: [0, 3] }),
  },
  {
    name: 'recreate',
    prepare: withSession,
    args: b => ['recreate', b, '--yes', '--memory', '64m'],
    next: b => ({ args: ['run', b], codes: ok }),
  },
  {
    name: 'rename',
    prepare: work,
    args: b => ['rename', b, `${b}-new`],
    next: b => ({ args: ['rename', b, `${b}-new`], codes: [0, 3, 4] }),
    renamed: b => `${b}-new`,
  },
  {
    name: 'start',
    prepare: stopped,
    args: b => ['start', b],
    next: b => ({ args: ['start', b], codes: ok }),
  },
  {
    name: 'restore',
    prepare: removed,
    args: b => ['restore', b],
    next: b => ({ args: ['restore', b], codes: [0, 4] }),
  },
  {
    name: 'doctor --fix',
    prepare: async (box, branch) => {
      const treasure = await withSession(box, branch);
      git(box.repository, 'worktree', 'unlock', worktreeOf(box, branch));
      return treasure;
    },
    args: () => ['doctor', '--fix'],
    next: () => ({ args: ['doctor', '--fix'], codes: [0, 5] }),
  },
  { name: 'ps', prepare: withSession, args: () => ['ps'], next: () => ({ args: ['ps'], codes: ok }) },
  {
    name: 'logs',
    prepare: withSession,
    args: b => ['logs', b, 's'],
    next: b => ({ args: ['logs', b, 's'], codes: ok }),
  },
];

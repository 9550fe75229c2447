const codes = {
  0: 'ok',
  2: 'usage or configuration',
  3: 'not found',
  4: 'conflict: exists, busy, ended',
  5: 'refused, work would be lost',
  6: 'the catalog stayed locked',
  7: 'engine, image, git or tmux missing',
  8: 'git, engine or tmux failed',
  9: 'the catalog cannot be used',
} as const;

function page(
  examples: readonly (readonly [command: string, what: string])[],
  exits: readonly (keyof typeof codes)[],
  more: readonly string[] = [],
): string {
  const width = Math.max(...examples.map(([command]) => command.length));
  return [
    'Examples:',
    ...examples.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`),
    '',
    `Exit codes: ${exits.map(code => `${String(code)} ${codes[code]}`).join(' · ')}`,
    ...(more.length === 0 ? [] : ['', ...more]),
  ].join('\n');
}

/** What follows the flags in each command's help. */
export const manual: Readonly<Record<string, () => string>> = {
  run: () =>
    page(
      [
        ['hjk run feat/login', 'a new branch from HEAD, or the existing one'],
        ['hjk run fix --from v1.2', 'a new branch from a tag'],
        ['hjk run feat/x --image node:22 --memory 4g', 'the image is pulled if it is not there'],
        [
          'hjk run feat/x -- --gpus all --shm-size 2g',
          'flags of docker run; runtime.flags has those of every run',
        ],
        ['hjk run feat/x -e GITHUB_TOKEN -v /data:/data:ro', 'a secret from here, a folder'],
      ],
      [0, 2, 4, 5, 6, 7, 8, 9],
      ['A second run of a branch starts its instance again, or waits for the one that makes it.'],
    ),
  exec: () =>
    page(
      [
        ['hjk exec feat/login', 'a shell'],
        ['hjk exec feat/login -d --name build npm test', 'in the background'],
        ['hjk exec feat/login --no-mux git log -1', 'plain streams, for scripts'],
      ],
      [0, 2, 3, 4, 6, 7, 8, 9],
      [
        "From the first word of the command on, everything is the command's; write -- before a command that begins with -.",
        "Attached: 0 on detach, the program's exit code if it ends. --no-mux: the program's, 127 not found, 126 not executable,",
        '125 for every failure of hjk itself.',
      ],
    ),
  agent: () =>
    page(
      [
        ['hjk agent feat/login claude', ''],
        ['hjk agent feat/login codex -d -p "fix the tests"', 'in the background, with a first task'],
        ['hjk agent feat/login gemini -- --model pro', 'flags for the agent'],
      ],
      [0, 2, 3, 4, 6, 7, 8, 9],
    ),
  attach: () =>
    page(
      [
        ['hjk attach', 'the session used last, anywhere'],
        ['hjk attach feat/login', 'of a branch'],
        ['hjk attach feat/login build', 'that one'],
      ],
      [0, 2, 3, 4, 8],
      ['C-b d leaves the session; it runs on.'],
    ),
  ps: () =>
    page(
      [
        ['hjk ps', 'instances of this repository'],
        ['hjk ps --all', 'of all'],
        ['hjk ps feat/login', 'sessions of one'],
      ],
      [0, 2, 3, 6, 7, 9],
    ),
  logs: () =>
    page(
      [
        ['hjk logs feat/login build', 'the last 100 lines'],
        ['hjk logs feat/login build -f', 'and what comes'],
        ['hjk logs feat/login build --full --raw > out', 'every byte'],
      ],
      [0, 2, 3, 6, 9],
    ),
  stop: () => page([['hjk stop feat/login', 'hjk run starts it again']], [0, 3, 4, 6, 7, 8, 9]),
  start: () =>
    page(
      [['hjk start feat/login', 'run would make the instance where there is none']],
      [0, 3, 4, 6, 7, 8, 9],
    ),
  recreate: () =>
    page(
      [
        ['hjk recreate feat/login', 'from the same image: a new build of it, a clean home'],
        ['hjk recreate feat/login --image node:22 --memory 8g', 'with other settings; the rest stays'],
      ],
      [0, 2, 3, 4, 5, 6, 7, 8, 9],
      ['Ends the sessions. The worktree stays; what programs wrote elsewhere in the container goes.'],
    ),
  rename: () =>
    page(
      [['hjk rename feat/login feat/sign-in', 'the worktree stays where it is, sessions go on']],
      [0, 2, 3, 4, 6, 8, 9],
    ),
  sync: () =>
    page(
      [
        ['hjk sync feat/login', 'what was committed inside comes here, and the other way round'],
        ['hjk sync', 'of every instance of this repository'],
      ],
      [0, 2, 3, 4, 6, 7, 8, 9],
      [
        'Sessions, exec, stop and rm do it by themselves. Exit code 4 where a side could not follow the other: both moved, a git',
        'holds the index, a rebase is under way. Nothing is lost then; inside, commit and git merge host/<branch>.',
      ],
    ),
  kill: () =>
    page(
      [['hjk kill feat/login/build', 'the session is what follows the last slash']],
      [0, 2, 3, 6, 7, 8, 9],
    ),
  rm: () =>
    page(
      [
        ['hjk rm feat/login', 'asks; the branch stays'],
        ['hjk rm feat/login --yes', 'does not ask'],
        ['hjk rm feat/login --force -D', 'stores what would be lost, deletes the branch too'],
      ],
      [0, 3, 4, 5, 6, 7, 8, 9],
      ['What --force deletes is stored first: hjk restore brings it back.'],
    ),
  restore: () =>
    page(
      [
        ['hjk restore --list', 'what is stored'],
        ['hjk restore feat/login', 'the newest of a branch'],
        ['hjk restore 1a2b3c4d-1 --as second-look', 'one by its id, as a branch of another name'],
      ],
      [0, 2, 3, 4, 5, 6, 8, 9],
      [
        'Brings back HEAD, index, files with their modes, and an unfinished rebase or merge; hjk run makes the container.',
        'The snapshot stays until hjk prune.',
      ],
    ),
  prune: () =>
    page(
      [
        ['hjk prune', 'instances and snapshots that nobody used for 14 days; asks'],
        ['hjk prune --merged --min-age 1d', 'what is merged, squash merges too'],
        ['hjk prune --all-repos --yes', 'for a script'],
      ],
      [0, 2, 6, 7, 8, 9],
      ['Never what holds work, is locked, or in use; looks again right before it deletes. Branches stay.'],
    ),
  doctor: () =>
    page(
      [
        ['hjk doctor', 'what is wrong, and how it can be set right'],
        ['hjk doctor --fix', 'repair all that nothing can be lost by'],
        ['hjk doctor --fix --adopt 1a2b3c4d', 'take an orphan back into the catalog'],
      ],
      [0, 2, 5, 6, 7, 9],
      [
        'Looks at the catalog, git, the engine, terminals and files of this state root, and at the installation; never at what',
        'another state root owns. Exit code: 0 nothing is left, 5 something waits for a decision, 7 or 9 it is the installation or',
        'the catalog.',
      ],
    ),
  image: () =>
    page(
      [
        ['hjk image build', 'headjack/base, by the best way that works here'],
        ['hjk image list', 'base images, and those made of an image for your user id'],
        ['hjk image rm headjack/base:old', ''],
      ],
      [0, 2, 7, 8],
    ),
  trust: () =>
    page(
      [
        ['hjk trust feat/login', 'shows what changed and what it reaches; asks'],
        ['hjk trust feat/new --from v1.2', 'before the branch is there'],
        ['hjk trust feat/login --yes', 'for a script that has looked at it'],
      ],
      [0, 2, 3, 5, 7, 8],
      [
        'Only what reaches this machine needs an approval: commands that run here, mounts, rights, variables. It holds for these',
        'very files, on every branch of the repository that has them.',
      ],
    ),
  devcontainer: () =>
    page(
      [
        ['hjk devcontainer install', 'under the state root, beside nothing of yours'],
        ['hjk devcontainer status', 'devcontainer.path, else the PATH, else what hjk installed'],
      ],
      [0, 2, 7, 8],
    ),
  config: () =>
    page(
      [
        ['hjk config', 'everything'],
        ['hjk config default.agent claude', 'set'],
        ['hjk config storage', 'a section, as YAML'],
      ],
      [0, 2],
    ),
  paths: () =>
    page(
      [
        ['hjk paths', ''],
        ['hjk paths catalog', 'the path alone'],
      ],
      [0, 2],
    ),
  version: () => page([['hjk version --json', '']], [0]),
  completion: () =>
    page(
      [
        ['hjk completion bash > ~/.local/share/bash-completion/completions/hjk', ''],
        ['hjk completion zsh > "${fpath[1]}/_hjk"', ''],
      ],
      [0, 2],
    ),
};

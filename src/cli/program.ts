import { Command, Option } from 'commander';
import { manual } from './manual.ts';

/** Loads a command's handler: nothing of it is read before it is needed. */
export type LoadHandler = (
  name: string,
) => (words: readonly string[], options: Record<string, unknown>) => Promise<void>;

const list = (value: string, before: readonly string[] | undefined): string[] => [...(before ?? []), value];

/**
 * The commands and flags of hjk.
 * @param handle gives what runs
 * @param wanted whether a command's flags are needed: making all of them costs more than to run one
 */
export function buildProgram(handle: LoadHandler, wanted: (name: string) => boolean = () => true): Command {
  const program = new Command('hjk');
  program
    .description(
      'Run several coding agents on one repository at once, each in its own git worktree and container.',
    )
    .option('-v, --verbose', 'say more, on stderr', (_: string, before: number) => before + 1, 0)
    .option('-C <dir>', 'the repository to work on (default: the current directory)')
    .option('--config <file>', 'the configuration file')
    .option('--catalog <file>', 'the catalog file')
    .option('--version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false });

  const define = (
    usage: string,
    summary: string,
    addFlags: (command: Command) => Command = command => command,
  ): void => {
    const name = usage.split(' ')[0] ?? usage;
    const command = program
      .command(usage)
      .summary(summary)
      .description(summary)
      .helpOption('-h, --help', 'show help');
    if (!wanted(name)) return;
    command.addHelpText('after', () => `\n${manual[name]?.() ?? ''}`);
    command.action(async (...args: unknown[]) => {
      const words = args
        .slice(0, -2)
        .flat()
        .filter((word): word is string => typeof word === 'string');
      await handle(name)(words, args.at(-2) as Record<string, unknown>);
    });
    addFlags(command);
  };
  const json = (command: Command): Command => command.option('--json', 'print one JSON document');
  const inBackground = (command: Command): Command =>
    command
      .option('-d, --detach', 'do not attach')
      .addOption(new Option('--detached', 'the same as --detach').hideHelp())
      .option('-n, --name <name>', 'name of the session (default: two words)');

  const containerFlags = (command: Command): Command =>
    json(command)
      .option('--image <ref>', 'the container image')
      .addOption(
        new Option(
          '--devcontainer <name>',
          'which devcontainer.json of the branch: a folder in .devcontainer, or a path',
        ).conflicts('image'),
      )
      .addOption(
        new Option('--pull <when>', 'fetch the image: missing (default), always or never').choices([
          'missing',
          'always',
          'never',
        ]),
      )
      .option('-m, --memory <size>', 'memory limit, for instance 4g')
      .option('--cpus <number>', 'processor limit, for instance 1.5')
      .option('--pids <number>', 'limit of processes')
      .option('--network <name>', 'network of the container: bridge, none or one of yours')
      .option(
        '-e, --env <NAME[=value]>',
        'a variable; NAME alone takes its value from here (repeatable)',
        list,
      )
      .option('--env-file <file>', 'variables from a file (repeatable)', list)
      .option('--volume <source:target[:ro]>', 'mount a folder or volume; also -v (repeatable)', list)
      .option('-p, --publish <[ip:][port:]port>', 'publish a port (repeatable)', list)
      .option('--ssh-agent', 'let the container use the ssh agent')
      .option(
        '--writable-submodules',
        'let the container commit in submodules; opens their git configuration to it',
      )
      .option(
        '--allow-path <folder>',
        'a remote or alternate of the repository that came after its first container (repeatable)',
        list,
      );

  define('run <branch>', 'make or start the instance of a branch', command =>
    containerFlags(command.option('--from <ref>', 'start a new branch from this commit, branch or tag')),
  );
  define('exec <branch> [command...]', 'open a session in an instance: a shell, or a command', command =>
    inBackground(command)
      .option('--no-mux', 'run the command on these streams, without a session')
      .addOption(new Option('--json').hideHelp()),
  );
  define('agent <branch> [agent] [more...]', 'open a session with an agent: claude, codex, gemini', command =>
    inBackground(command)
      .usage('[options] <branch> [agent] [-- flags of the agent]')
      .option('-p, --prompt <text>', 'what the agent is to do first'),
  );
  define('attach [branch] [session]', 'return to a session: the one used last, of a branch, or by name');
  define('ps [branch]', 'list instances, or the sessions of one', command =>
    json(command).option('-a, --all', 'instances of all repositories'),
  );
  define('logs <branch> <session>', "print a session's output", command =>
    command
      .option('-f, --follow', 'go on as the session writes, until it ends')
      .option('-n, --lines <number>', 'how many of the last lines', '100')
      .option('--full', 'everything')
      .option('--raw', 'the bytes as the program wrote them'),
  );
  define('stop <branch>', 'end the sessions of an instance and stop its container');
  define('start <branch>', 'start a stopped instance; never makes one', json);
  define('recreate <branch>', 'make the container of an instance anew; the worktree stays', command =>
    containerFlags(command).option('-y, --yes', 'do not ask'),
  );
  define('rename <branch> <new>', 'rename the branch of an instance, and the instance with it', json);
  define('sync [branch]', 'carry commits and refs between instances and the repository, now', command =>
    json(command)
      .option('-a, --all', 'instances of all repositories')
      .option('--allow-gitlinks', 'also commits that link a nested repository where there was none'),
  );
  define('kill <branch/session>', 'end a session and everything it started');
  define('rm <branch>', 'remove an instance: container, worktree, logs', command =>
    json(command)
      .option('-f, --force', 'also where work would be lost: it is stored as a snapshot first')
      .option('-y, --yes', 'do not ask')
      .option('-D, --delete-branch', 'delete the branch too')
      .option('--include-ignored', 'store the files that git ignores, too'),
  );
  define('restore [what]', 'bring back what rm stored: of a branch, or a snapshot by its id', command =>
    json(command)
      .option('-l, --list', 'list the snapshots of this repository')
      .option('--as <branch>', 'under another branch name'),
  );
  define('prune', 'remove instances that nobody uses, and old snapshots', command =>
    json(command)
      .option('--dry-run', 'only show what would go; so it is without a terminal, unless --yes is given')
      .option('--min-age <age>', 'unused, or stored, for so long: 90m, 12h, 14d', '14d')
      .option('--merged', 'only instances whose branch is merged, squashed or rebased into the main branch')
      .option('--all-repos', 'of all repositories')
      .option('--include-ignored', 'store the files that git ignores before they go')
      .option('-y, --yes', 'do not ask'),
  );
  define('doctor', 'find what does not agree, and repair what can be repaired without loss', command =>
    json(command)
      .option('--fix', 'repair it; what could lose work needs --adopt or --remove')
      .option('--dry-run', 'with --fix: say what would be done, and do nothing')
      .option('--adopt <id>', 'take an orphan into the catalog (repeatable)', list)
      .option('--remove <id>', 'remove an orphan; work in its worktree is stored first (repeatable)', list),
  );
  define('image <action> [images...]', 'build the base image; list or rm the images that hjk made', command =>
    json(command)
      .option('--way <way>', 'auto, dockerfile, debootstrap or host', 'auto')
      .option('--tag <name>', 'name of the image', 'headjack/base'),
  );
  define('trust <branch>', "approve what a branch's devcontainer.json does on this machine", command =>
    json(command)
      .option('--from <ref>', 'of a branch that run would start from there')
      .option('--devcontainer <name>', 'which of several that the branch has')
      .option('-y, --yes', 'do not ask')
      .option('--revoke', 'take back every approval of this repository'),
  );
  define(
    'devcontainer <action>',
    'install the devcontainer CLI for hjk; status says which one is used',
    json,
  );
  define('config [key] [value]', 'show or change the configuration', command =>
    json(command).option('--edit', 'open the file in $EDITOR'),
  );
  define('paths [name]', 'show where everything is', json);
  define('version', 'print version, commit and build time', json);
  define('completion <shell>', 'print a completion script for bash, zsh, fish or powershell', command =>
    command.option('--no-descriptions', 'names only'),
  );
  return program;
}

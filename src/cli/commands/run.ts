import { HeadjackError } from '../../errors.ts';
import type { RunOptions } from '../../operations/options.ts';
import { runInstance } from '../../operations/run.ts';
import type { Services } from '../../operations/services.ts';
import type { CommandContext, Handler } from '../context.ts';
import { endedNote, publicEntry } from '../public-entry.ts';

/** The flags that say what a container is made of. */
export interface ContainerFlags {
  readonly from?: string;
  readonly image?: string;
  readonly memory?: string;
  readonly cpus?: string;
  readonly pids?: string;
  readonly network?: string;
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly volume?: readonly string[];
  readonly publish?: readonly string[];
  readonly sshAgent?: boolean;
  readonly writableSubmodules?: boolean;
}

export const run: Handler<ContainerFlags> = async (context, words, flags) => {
  refuseRuntimeFlags(context);
  const { services } = await context.open('run');
  const options = runOptions(services, words[0] ?? '', flags);
  tellWeaknesses(context, options);
  const { entry, foreign, endedSessions } = await runInstance(services, options);
  if (endedSessions.length > 0) context.output.note(endedNote(endedSessions));
  if (foreign)
    context.output.note(
      `Warning: git does not work in this container, which headjack for Go made; to make it anew: hjk recreate ${entry.branch}`,
    );
  if (context.json)
    context.output.json({
      instance: publicEntry(entry),
      ...(endedSessions.length === 0 ? {} : { ended_sessions: endedSessions }),
    });
  else context.output.answer(`Instance ${entry.id} ready for branch ${entry.branch}`);
  return 0;
};

export function runOptions(services: Services, branch: string, flags: ContainerFlags): RunOptions {
  const { from, image, memory, cpus, pids, network } = flags;
  return {
    branch,
    from,
    image,
    memory,
    cpus,
    pids,
    network,
    env: flags.env ?? [],
    envFiles: flags.envFile ?? [],
    volumes: flags.volume ?? [],
    ports: flags.publish ?? [],
    sshAgent: flags.sshAgent ?? services.settings.sshAgent,
    writableSubmodules: flags.writableSubmodules ?? false,
  };
}

/** What weakens the sandbox is told to people. */
export function tellWeaknesses(context: CommandContext, options: RunOptions): void {
  if (options.writableSubmodules)
    context.output.note(
      'Warning: the container can change the git configuration of submodules, which git on the host obeys',
    );
  if (options.network === 'host') context.output.note("Warning: the container shares this machine's network");
}

/** @throws HeadjackError usage for words after `--` */
export function refuseRuntimeFlags(context: CommandContext): void {
  if (context.trailing.length > 0) {
    throw new HeadjackError(
      'usage',
      `flags for the container runtime are not supported yet: ${context.trailing.join(' ')}`,
      {
        hint: 'hjk help run shows the flags of hjk itself',
      },
    );
  }
}

import type { RunOptions } from '../../operations/options.ts';
import { readRunFlags } from '../../container/run-flags.ts';
import { withRuntimeFlags } from '../../operations/runtime-flags.ts';
import { runInstance } from '../../operations/run.ts';
import type { CommandContext, Handler } from '../context.ts';
import { endedNote, publicEntry } from '../public-entry.ts';

/** The flags that say what a container is made of. */
export interface ContainerFlags {
  readonly from?: string;
  readonly image?: string;
  readonly devcontainer?: string;
  readonly memory?: string;
  readonly cpus?: string;
  readonly pids?: string;
  readonly network?: string;
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly volume?: readonly string[];
  readonly publish?: readonly string[];
  readonly pull?: RunOptions['pull'];
  readonly sshAgent?: boolean;
  readonly writableSubmodules?: boolean;
  readonly allowPath?: readonly string[];
}

export const run: Handler<ContainerFlags> = async (context, words, flags) => {
  const { services } = await context.open('run');
  const options = runOptions(context, words[0] ?? '', flags);
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

/** hjk's own flags, and those of the container runtime after `--`. @throws HeadjackError usage */
export function runOptions(context: CommandContext, branch: string, flags: ContainerFlags): RunOptions {
  const { from, image, devcontainer, memory, cpus, pids, network } = flags;
  const own: RunOptions = {
    branch,
    from,
    image,
    devcontainer,
    memory,
    cpus,
    pids,
    network,
    env: flags.env ?? [],
    envFiles: flags.envFile ?? [],
    volumes: flags.volume ?? [],
    ports: flags.publish ?? [],
    flags: [],
    pull: flags.pull ?? 'missing',
    sshAgent: flags.sshAgent ?? false,
    writableSubmodules: flags.writableSubmodules ?? false,
    allowPaths: flags.allowPath ?? [],
  };
  return withRuntimeFlags(own, readRunFlags(context.trailing, 'after --'));
}

import { HeadjackError } from '../../errors.ts';
import type { RunOptions } from '../../operations/options.ts';
import { runInstance } from '../../operations/run.ts';
import type { Handler } from '../context.ts';
import { publicEntry } from '../public-entry.ts';

interface Flags {
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

export const run: Handler<Flags> = async (context, words, flags) => {
  if (context.trailing.length > 0) {
    throw new HeadjackError(
      'usage',
      `flags for the container runtime are not supported yet: ${context.trailing.join(' ')}`,
      {
        hint: 'hjk help run shows the flags of hjk itself',
      },
    );
  }
  const { services } = await context.open('run');
  const { from, image, memory, cpus, pids, network } = flags;
  const options: RunOptions = {
    branch: words[0] ?? '',
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
  if (options.writableSubmodules)
    context.output.note(
      'Warning: the container can change the git configuration of submodules, which git on the host obeys',
    );
  if (options.network === 'host') context.output.note("Warning: the container shares this machine's network");
  const { entry, foreign } = await runInstance(services, options);
  if (foreign)
    context.output.note(
      `Warning: git does not work in this container, which headjack for Go made; to make it anew: hjk rm ${entry.branch} && hjk run ${entry.branch}`,
    );
  if (context.json) context.output.json({ instance: publicEntry(entry) });
  else context.output.answer(`Instance ${entry.id} ready for branch ${entry.branch}`);
  return 0;
};

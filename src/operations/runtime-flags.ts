import type { RunFlag, RunFlagName } from '../container/run-flags.ts';
import { readRunFlags } from '../container/run-flags.ts';
import type { RunOptions } from './options.ts';
import type { Services } from './services.ts';

/** Flags of the container runtime that hjk has flags of its own for. */
const ownFlags: readonly RunFlagName[] = [
  'memory',
  'cpus',
  'pids-limit',
  'network',
  'env',
  'env-file',
  'volume',
  'publish',
];

/** Puts flags of the container runtime below the options: where both say something once, the options win. */
export function withRuntimeFlags(options: RunOptions, flags: readonly RunFlag[]): RunOptions {
  const all = (name: RunFlagName): string[] => flags.filter(f => f.name === name).map(f => f.value);
  return {
    ...options,
    memory: options.memory ?? all('memory').at(-1),
    cpus: options.cpus ?? all('cpus').at(-1),
    pids: options.pids ?? all('pids-limit').at(-1),
    network: options.network ?? all('network').at(-1),
    env: [...all('env'), ...options.env],
    envFiles: [...all('env-file'), ...options.envFiles],
    volumes: [...all('volume'), ...options.volumes],
    ports: [...all('publish'), ...options.ports],
    flags: [...flags.filter(flag => !ownFlags.includes(flag.name)), ...options.flags],
  };
}

/** What a new instance is made of: the configuration's flags, then what was asked for. @throws HeadjackError usage */
export function withConfiguredFlags(services: Services, options: RunOptions): RunOptions {
  const { runtimeFlags, sshAgent } = services.settings;
  const all = withRuntimeFlags(options, readRunFlags(runtimeFlags, 'runtime.flags'));
  return { ...all, sshAgent: all.sshAgent || sshAgent };
}

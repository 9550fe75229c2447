import { HeadjackError } from '../errors.ts';
import { findNearest } from '../core/nearest.ts';
import { builtInAgents, type Settings } from '../config/settings.ts';

/** What a session of an agent runs. */
export interface AgentOrder {
  readonly type: string;
  /** Set for an agent that is none of the built-in ones. */
  readonly agent: string | undefined;
  /** The agent's program, prompt, configured flags, flags after `--`, in this order. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * @param name as given, else `default.agent`
 * @throws HeadjackError usage for an agent that does not exist, or none at all
 */
export function planAgent(
  settings: Settings,
  given: { name: string | undefined; prompt: string | undefined; flags: readonly string[] },
): AgentOrder {
  const known = Object.keys(settings.agents).sort();
  const name = given.name ?? settings.defaultAgent;
  if (name === undefined) {
    throw new HeadjackError('usage', 'no agent is named and default.agent is not set', {
      hint: `hjk config default.agent <${known.join('|')}>`,
    });
  }
  const configured = settings.agents[name];
  if (configured === undefined) {
    const nearest = findNearest(name, known);
    throw new HeadjackError('usage', `invalid agent "${name}" (valid: ${known.join(', ')})`, {
      hint:
        nearest === undefined
          ? 'a program of your own: hjk exec, or a section agents.<name> in config.yaml'
          : `did you mean "${nearest}"?`,
    });
  }
  const builtIn = (builtInAgents as readonly string[]).includes(name);
  return {
    type: builtIn ? name : 'shell',
    agent: builtIn ? undefined : name,
    command: [
      name,
      ...(given.prompt === undefined ? [] : [given.prompt]),
      ...configured.flags,
      ...given.flags,
    ],
    env: configured.env,
  };
}

import { devcontainerId, substitute, type DevcontainerConfig } from '../../devcontainer/config.ts';
import type { Services } from '../services.ts';

/** What an instance's dev container is found by, and what its `${devcontainerId}` is made of. */
export function idLabels(services: Services, instance: string): Record<string, string> {
  return { 'dev.headjack.instance': instance, 'dev.headjack.owner': services.owner };
}

/** The configuration with its variables replaced, as the devcontainer CLI will have it. */
export function resolvedConfig(
  services: Services,
  config: DevcontainerConfig,
  at: { readonly worktree: string; readonly instance: string },
): DevcontainerConfig {
  return substitute(config, {
    env: services.env,
    worktree: at.worktree,
    devcontainerId: devcontainerId(idLabels(services, at.instance)),
  });
}

import type { InstanceEntry } from '../catalog/types.ts';
import { HeadjackError } from '../errors.ts';
import { instanceFiles } from '../session/files.ts';
import { loadSpec } from './instance-spec.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';

/**
 * A container that is not here may be where the other runtime.name leads: a second one of the instance would be made, or the first
 * left behind. @throws HeadjackError engine_unsupported
 */
export function refuseOtherRuntime(services: Services, entry: InstanceEntry): void {
  if (entry.container_id === '') return;
  const made = loadSpec(instanceFiles(placesOf(services), entry.id).spec)?.runtime;
  if (made === undefined || made === services.settings.runtimeName) return;
  throw new HeadjackError(
    'engine_unsupported',
    `the container of branch "${entry.branch}" is on ${made}; runtime.name is ${services.settings.runtimeName}`,
    {
      hint: `HEADJACK_RUNTIME_NAME=${made} hjk stop ${entry.branch}, or rm; or: hjk config runtime.name ${made}`,
    },
  );
}

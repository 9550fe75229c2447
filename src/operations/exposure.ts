import type { InstanceEntry } from '../catalog/types.ts';
import { findWeaknesses } from '../container/weaknesses.ts';
import { instanceFiles } from '../session/files.ts';
import { loadSpec } from './instance-spec.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';

/** How far an instance's container reaches; null where it is not known what it is made of. */
export interface Exposure {
  /** What weakens its sandbox, a sentence each. */
  readonly weakened: readonly string[] | null;
  /** Folders of the host that it has because its repository names them, and that it does not have although named. */
  readonly host_paths: Readonly<Record<'alternates' | 'remotes' | 'left_out', readonly string[]>> | null;
}

export function exposureOf(services: Services, entry: InstanceEntry): Exposure {
  const spec = loadSpec(instanceFiles(placesOf(services), entry.id).spec);
  const paths = spec?.host_paths;
  return {
    weakened: spec === undefined ? null : findWeaknesses(spec),
    host_paths:
      paths === undefined
        ? null
        : {
            alternates: paths.alternates.map(one => one.path),
            remotes: paths.remotes.map(one => one.path),
            left_out: paths.left_out,
          },
  };
}

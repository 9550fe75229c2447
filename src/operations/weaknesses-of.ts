import type { InstanceEntry } from '../catalog/types.ts';
import { findWeaknesses } from '../container/weaknesses.ts';
import { instanceFiles } from '../session/files.ts';
import { loadSpec } from './instance-spec.ts';
import type { Services } from './services.ts';
import { placesOf } from './session-states.ts';

/** What weakens an instance's sandbox, a sentence each; null where it is not known what it is made of. */
export function weaknessesOf(services: Services, entry: InstanceEntry): string[] | null {
  const spec = loadSpec(instanceFiles(placesOf(services), entry.id).spec);
  return spec === undefined ? null : findWeaknesses(spec);
}

import type { ImageInfo } from '../../container/port.ts';
import { textOf } from '../../devcontainer/config.ts';
import { HeadjackError } from '../../errors.ts';
import { requireImage } from '../make-container.ts';
import { projectOf } from './clean.ts';
import type { Making } from './making.ts';

/** The image of a service, fetched where it is missing. @throws HeadjackError image_missing */
export async function findServiceImage(
  making: Making,
  name: string,
  service: Readonly<Record<string, unknown>>,
): Promise<ImageInfo> {
  const runtime = await making.services.runtime();
  const project = projectOf(making.held.entry.id);
  const named = textOf(service['image']);
  for (const reference of named === undefined ? [`${project}_${name}`, `${project}-${name}`] : [named]) {
    const image = await runtime.findImage(reference);
    if (image !== undefined) return image;
  }
  if (named !== undefined) return requireImage(making.services, named);
  throw new HeadjackError('image_missing', `the image of service "${name}" is not on the engine`);
}

import type { InstanceEntry } from '../../catalog/types.ts';
import type { DevcontainerSpec } from '../instance-spec.ts';
import type { Services } from '../services.ts';
import type { ComposeProject } from '../../container/port.ts';

/** Name of an instance's compose project: of two worktrees with one folder name the CLI would make one. */
export function projectOf(instance: string): string {
  return `hjk-${instance}`;
}

export function composeProject({ owner }: Services, instance: string): ComposeProject {
  return { name: projectOf(instance), instance, owner };
}

/** Name of what a service of an instance's project is built as: no registry has it, and nobody else's has it. */
export function projectImage(instance: string, service: string): string {
  return `headjack/devcontainer:${instance}-${service}`;
}

/** On images that are built for an instance's dev container: whose, and of which. */
export function imageLabels(services: Services, instance: string): Record<string, string> {
  return { 'dev.headjack.devcontainer': `${services.owner}-${instance}` };
}

export function imageLabel(services: Services, instance: string): string {
  return Object.entries(imageLabels(services, instance))[0]?.join('=') ?? '';
}

/**
 * Removes what an instance's devcontainer.json made besides the container: images, volumes that no other container has, the rest of a
 * compose project. What is in use elsewhere, or gone, is left: all of it can be made again.
 */
export async function removeDevcontainer(
  services: Services,
  entry: Pick<InstanceEntry, 'id'>,
  spec: DevcontainerSpec | undefined,
): Promise<void> {
  const runtime = await services.runtime();
  if (spec?.compose === true) await runtime.removeProject(composeProject(services, entry.id));
  for (const volume of spec?.volumes ?? []) await runtime.removeVolume(volume).catch(() => undefined);
  await removeImages(services, entry);
}

/** @param only which of their names go; without it all images that were built for the instance */
export async function removeImages(
  services: Services,
  entry: Pick<InstanceEntry, 'id'>,
  only: (tag: string) => boolean = () => true,
): Promise<void> {
  const runtime = await services.runtime();
  const images = await runtime.listImages([imageLabel(services, entry.id)]);
  // the newest first: it may be made of the others
  for (const image of [...images].sort((a, b) => b.created - a.created))
    for (const name of (image.tags.length > 0 ? image.tags : [image.id]).filter(only))
      await runtime.removeImage(name).catch(() => undefined);
}

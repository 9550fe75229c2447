import { serviceMounts } from '../../devcontainer/compose-mounts.ts';
import type { ComposeDocument } from '../../devcontainer/compose.ts';
import { textOf } from '../../devcontainer/config.ts';
import { runCompose } from './compose-resolve.ts';
import { usableImage, type Making } from './making.ts';
import { decideServiceUser, strangerReach } from './remote-user.ts';
import { isRootStrange } from './root-programs.ts';
import { findServiceImage } from './service-image.ts';

/** Who the services beside the dev container are, in compose's words. */
export interface ServiceUsers {
  readonly parts: Readonly<Record<string, { readonly user: string; readonly image: string }>>;
  readonly reaches: readonly string[];
}

/**
 * A service that can write to a folder of this machine is the caller there, as the dev container's programs are. Others are whom their
 * image says: what they make stays in their volumes.
 */
export async function decideServiceUsers(
  making: Making,
  document: ComposeDocument,
  { words, main }: { readonly words: readonly string[]; readonly main: string },
): Promise<ServiceUsers> {
  const parts: Record<string, { user: string; image: string }> = {};
  const reaches: string[] = [];
  if (!(await isRootStrange(making.services))) return { parts, reaches };
  const { ids } = making.plan;
  for (const [name, service] of Object.entries(document.services)) {
    const writes =
      service['volumes_from'] !== undefined ||
      serviceMounts(document, name).some(mount => mount.source !== '' && !mount.readOnly);
    if (name === main || !writes) continue;
    if (service['build'] !== undefined) await runCompose(making, [...words, 'build', name]);
    const image = await findServiceImage(making, name, service);
    const given = textOf(service['user']);
    const user = decideServiceUser(given, image.user, ids);
    parts[name] = { user: user.container, image: await usableImage(making, image, user) };
    const reach = strangerReach(user.container, ids, user.kind === 'named' ? user.name : undefined);
    if (reach !== undefined) reaches.push(`service ${name}: ${reach}`);
  }
  return { parts, reaches };
}

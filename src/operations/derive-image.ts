import { parseEngineOptions } from '../container/engine-options.ts';
import { formatProbeLabels } from '../container/labels.ts';
import type { ImageInfo } from '../container/port.ts';
import { deriveUserDockerfile, findImageUser } from '../container/user.ts';
import { shortHash } from '../core/hash.ts';
import { ownIdentity } from '../process/identity.ts';
import type { Services } from './services.ts';

/** Gives a user of the image the caller's ids, in an image that is made once for both. @param labels of that image */
export async function deriveImage(
  services: Services,
  image: Pick<ImageInfo, 'id' | 'user'>,
  ids: { uid: number; gid: number },
  labels: Readonly<Record<string, string>> = {},
): Promise<string> {
  const runtime = await services.runtime();
  const tag = `headjack/derived:${shortHash(`v1 ${image.id} ${image.user}`, 12)}-${String(ids.uid)}-${String(ids.gid)}`;
  const made = await runtime.findImage(tag);
  if (made !== undefined) return made.id;
  const probe = await runtime.create({
    name: `hjk-probe-${shortHash(`${tag} ${String(process.pid)} ${String(Date.now())}`, 12)}`,
    image: image.id,
    labels: formatProbeLabels(services.owner, JSON.stringify(ownIdentity())),
    env: [],
    user: '0',
    keepIds: false,
    mounts: [],
    volumes: [],
    ports: [],
    engine: parseEngineOptions([]),
    memory: undefined,
    cpus: undefined,
    pids: undefined,
    network: 'none',
  });
  let passwd: string;
  try {
    passwd = (await runtime.readFile(probe, '/etc/passwd')) ?? '';
  } finally {
    await runtime.remove(probe);
  }
  const user = findImageUser(image.user, passwd);
  if (user === undefined || (user.uid === ids.uid && user.gid === ids.gid)) return image.id;
  await runtime.buildImage(tag, deriveUserDockerfile(image.id, user, ids), {
    ...labels,
    'dev.headjack.derived': image.id,
  });
  return (await runtime.findImage(tag))?.id ?? image.id;
}

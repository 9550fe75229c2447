import { HeadjackError } from '../errors.ts';
import type { OwnImage } from '../container/port.ts';
import type { Services } from './services.ts';

/** Labels of the images that hjk makes: base images, and those in which an image's own user has the caller's ids. */
const BASE = 'dev.headjack.base';
const DERIVED = 'dev.headjack.derived';

export interface ImageView {
  /** Its name, or the beginning of its id where it has none. */
  readonly name: string;
  readonly id: string;
  readonly kind: 'base' | 'derived';
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** The images that hjk made, the newest first. */
export async function listImages(services: Services): Promise<ImageView[]> {
  const images = await (await services.runtime()).listImages([BASE, DERIVED]);
  return images.map(view).sort((a, b) => b.created - a.created);
}

function view(image: OwnImage): ImageView {
  return {
    name: image.tags[0] ?? shortId(image.id),
    id: image.id,
    // what is derived from a base image has both labels
    kind: DERIVED in image.labels ? 'derived' : 'base',
    bytes: image.bytes,
    created: image.created * 1000,
  };
}

function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}

/**
 * Removes images that hjk made: a name, or by the beginning of its id one that has no other. Gives what was removed.
 * @throws HeadjackError image_missing for one that is none of them, engine_failed where it is in use
 */
export async function removeImages(services: Services, wanted: readonly string[]): Promise<string[]> {
  const runtime = await services.runtime();
  const images = await runtime.listImages([BASE, DERIVED]);
  const names = wanted.map(text => {
    const plain = (tag: string): string => tag.replace(/^(localhost|docker\.io)\//, '');
    const tag = images
      .flatMap(image => image.tags)
      .find(name => [name, plain(name), plain(name).replace(/:latest$/, '')].includes(text));
    const id = text.replace(/^sha256:/, '');
    const name =
      tag ?? images.find(image => id.length >= 6 && image.id.replace(/^sha256:/, '').startsWith(id))?.id;
    if (name !== undefined) return name;
    throw new HeadjackError('image_missing', `${text} is none of the images that hjk made`, {
      hint: 'hjk image list',
    });
  });
  for (const name of names) await runtime.removeImage(name);
  return names.map(name => (name.startsWith('sha256:') ? shortId(name) : name));
}

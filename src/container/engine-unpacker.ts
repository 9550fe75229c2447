import type Docker from 'dockerode';
import { messageOf } from '../errors.ts';
import { hasSecondEntry, packEntries } from './archive.ts';
import type { MountedPlace, PlaceInside, Unpacker } from './unpack.ts';

/** Runs a call of the engine; `accept` are the statuses that mean "none". */
type Call = <T>(what: string, action: () => Promise<T>, accept?: readonly number[]) => Promise<T | undefined>;

/** As Go has them: os.ModeDir, os.ModeSymlink. */
const MODE_FOLDER = 2 ** 31;
const MODE_LINK = 2 ** 27;

/** Both engines' API for archives. */
export function createEngineUnpacker(docker: Docker, call: Call, container: string): Unpacker {
  const own = docker.getContainer(container);
  return {
    async mounts() {
      const found = await call('mounts of the container', () => own.inspect());
      const tmpfs = (found?.HostConfig.Tmpfs ?? {}) as Record<string, string>;
      return [
        ...(found?.Mounts ?? []).map(({ Type, Source, Destination }): MountedPlace => ({
          target: Destination,
          source: Type === 'bind' ? Source : '',
          volume: Type === 'volume',
        })),
        ...Object.keys(tmpfs).map(target => ({ target, source: '', volume: false })),
      ];
    },

    async stat(place) {
      // dockerode's types know nothing of the answer's headers
      const said = (await call(
        `look at ${place}`,
        () => own.infoArchive({ path: place }) as Promise<unknown>,
        [404],
      )) as { headers: Record<string, string | undefined> } | undefined;
      const text = said?.headers['x-docker-container-path-stat'];
      if (text === undefined) return undefined;
      const { mode, linkTarget } = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as {
        mode: number;
        linkTarget: string;
      };
      const has = (bit: number): boolean => Math.floor(mode / bit) % 2 === 1;
      const kind: PlaceInside['kind'] = has(MODE_FOLDER) ? 'folder' : has(MODE_LINK) ? 'link' : 'other';
      return { kind, leadsTo: linkTarget };
    },

    async isEmptyFolder(place) {
      const stream = await call(`look into ${place}`, () => own.getArchive({ path: place }), [404]);
      return stream !== undefined && !(await hasSecondEntry(stream));
    },

    async unpack(entries, replaceFolders) {
      const archive = await packEntries(entries);
      const options = { path: '/', ...(replaceFolders ? {} : { noOverwriteDirNonDir: 'true' }) };
      try {
        await call('files for the container', () => own.putArchive(archive, options));
        return true;
      } catch (error) {
        if (!replaceFolders && /overwrite/i.test(messageOf(error))) return false;
        throw error;
      }
    },
  };
}

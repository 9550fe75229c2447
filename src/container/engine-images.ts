import type Docker from 'dockerode';
import { HeadjackError, errnoOf, messageOf } from '../errors.ts';
import { printable } from '../core/printable.ts';
import { packEntries } from './archive.ts';
import { translateConnection } from './engine-http.ts';
import { repeatLost, wasLost } from './lost-calls.ts';
import type { ContainerRuntime, EngineIdentity } from './port.ts';
import { pullImage } from './pull.ts';
import { findRegistryAuth, registryOf } from './registry-auth.ts';

type EngineImages = Pick<
  ContainerRuntime,
  'findImage' | 'pull' | 'listImages' | 'removeImage' | 'buildImage'
>;

interface Engine {
  readonly docker: Docker;
  /** For a build or a pull, which may say nothing for minutes. */
  readonly patient: Docker;
  /** Runs a call; `accept` are the statuses that mean "already so". */
  readonly call: <T>(
    what: string,
    action: () => Promise<T>,
    accept?: readonly number[],
  ) => Promise<T | undefined>;
  readonly identify: () => Promise<EngineIdentity>;
  readonly socketPath: string;
  readonly caller: { readonly env: NodeJS.ProcessEnv; readonly home: string };
}

/** What the engine does with images. */
export function createEngineImages({
  docker,
  patient,
  call,
  identify,
  socketPath,
  caller,
}: Engine): EngineImages {
  return {
    async findImage(reference) {
      const image = await call(`image ${reference}`, () => docker.getImage(reference).inspect(), [404]);
      if (image === undefined) return undefined;
      return {
        id: image.Id,
        user: image.Config.User,
        architecture: image.Architecture,
        // none is null
        labels: (image.Config as { Labels?: Record<string, string> | null }).Labels ?? {},
        volumes: Object.keys((image.Config as { Volumes?: Record<string, unknown> | null }).Volumes ?? {}),
      };
    },

    async pull(reference, tell) {
      const { name } = await identify();
      const auth = findRegistryAuth(reference, name, caller.env, caller.home);
      try {
        await pullImage(patient, { reference, auth }, tell);
      } catch (error) {
        if (errnoOf(error) !== undefined) throw translateConnection(error, socketPath);
        const said = printable(
          messageOf(error)
            .replace(/^\(HTTP code \d+\) [a-z ]+ - /, '')
            .trim(),
        );
        throw new HeadjackError('image_missing', `image ${reference} cannot be pulled: ${said}`, {
          hint: /denied|unauthorized|authentication|basic auth/i.test(said)
            ? `log in: ${name} login ${registryOf(reference)}`
            : 'check the name and the network, or name another image with --image <ref>',
          details: { image: reference },
          cause: error,
        });
      }
    },

    async listImages(labels) {
      const listed = await Promise.all(
        labels.map(label => call('list of images', () => docker.listImages({ filters: { label: [label] } }))),
      );
      const all = new Map(listed.flat().flatMap(image => (image === undefined ? [] : [[image.Id, image]])));
      return [...all.values()].map(image => ({
        id: image.Id,
        // podman gives none as null
        tags: ((image.RepoTags as string[] | null) ?? []).filter(tag => tag !== '<none>:<none>'),
        bytes: image.Size,
        created: image.Created,
        labels: image.Labels,
      }));
    },

    async removeImage(reference) {
      await call(`removal of image ${reference}`, () => docker.getImage(reference).remove(), [404]);
    },

    async buildImage(tag, dockerfile, labels) {
      await repeatLost(
        () => build(tag, dockerfile, labels),
        error => wasLost(messageOf(error)),
      );
    },
  };

  async function build(
    tag: string,
    dockerfile: string,
    labels: Readonly<Record<string, string>>,
  ): Promise<void> {
    const context = await packEntries([
      { kind: 'file', path: '/Dockerfile', content: dockerfile, mode: 0o644 },
    ]);
    const { Readable } = await import('node:stream');
    const stream = await call(`build of ${tag}`, () =>
      patient.buildImage(Readable.from([context]), {
        t: tag,
        labels: { ...labels },
        forcerm: true,
        networkmode: 'none',
      }),
    );
    if (stream === undefined) return;
    const failed = await new Promise<string | undefined>(resolve => {
      docker.modem.followProgress(stream, (error, output: { error?: string }[] | null) => {
        resolve(
          output?.find(line => line.error !== undefined)?.error ??
            (error === null ? undefined : messageOf(error)),
        );
      });
    });
    if (failed !== undefined)
      throw new HeadjackError('image_build_failed', `image ${tag} cannot be built: ${printable(failed)}`);
  }
}

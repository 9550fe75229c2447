import Docker from 'dockerode';
import { HeadjackError, errnoOf, messageOf } from '../errors.ts';
import { readFirstFile } from './archive.ts';
import { createOptions } from './create-options.ts';
import { engineFailed, engineStatus, translateConnection, type EngineHttp } from './engine-http.ts';
import { createEngineImages } from './engine-images.ts';
import { createEngineProject } from './engine-project.ts';
import { createEngineUnpacker } from './engine-unpacker.ts';
import { repeatLost, wasLost } from './lost-calls.ts';
import type { ContainerRuntime, ContainerSpec, EngineIdentity } from './port.ts';
import { unpackEntries } from './unpack.ts';

/** Making and removing write to the disk: they may take longer than an answer from memory. */
const SLOW_FACTOR = 4;

/**
 * Docker's API, as podman speaks it too; where podman does not, its own.
 * @param timeoutMs that the engine may be silent
 */
export function createDockerodeRuntime(
  socketPath: string,
  timeoutMs: number,
  http: EngineHttp,
  caller: { readonly env: NodeJS.ProcessEnv; readonly home: string },
): ContainerRuntime {
  const docker = new Docker({ socketPath, timeout: SLOW_FACTOR * timeoutMs });
  /** A build or a pull may say nothing for minutes. */
  const patient = new Docker({ socketPath });
  /** Runs a call; `accept` are the statuses that mean "already so". */
  const call = async <T>(
    what: string,
    action: () => Promise<T>,
    accept: readonly number[] = [],
  ): Promise<T | undefined> => {
    try {
      return await repeatLost(action, error => statusOf(error) === 500 && wasLost(messageOf(error)));
    } catch (error) {
      if (accept.includes(statusOf(error))) return undefined;
      throw translate(what, error, socketPath);
    }
  };

  let identity: Promise<EngineIdentity> | undefined;
  const identify = (): Promise<EngineIdentity> => {
    identity ??= Promise.all([
      call('info', () => docker.info()),
      call('version', () => docker.version()),
    ]).then(([info, version]) => {
      const said = (info ?? {}) as { SecurityOptions?: string[]; Rootless?: boolean };
      const podman = version?.Components.some(part => part.Name === 'Podman Engine') === true;
      // podman says it in a field of its own
      const rootless =
        said.Rootless === true ||
        said.SecurityOptions?.some(option => option.includes('name=rootless')) === true;
      return { name: podman ? 'podman' : 'docker', rootless, architecture: version?.Arch ?? '' };
    });
    return identity;
  };
  const inspect = (container: string): Promise<Docker.ContainerInspectInfo | undefined> =>
    call('state', () => docker.getContainer(container).inspect(), [404]);
  /** Podman's statuses do not tell what is so already: after a failure the container's state decides. */
  const settle = async (
    what: string,
    container: string,
    action: () => Promise<unknown>,
    isSo: (found: Docker.ContainerInspectInfo | undefined) => boolean,
  ): Promise<void> => {
    try {
      await action();
    } catch (error) {
      const status = statusOf(error);
      if (status === 304) return;
      const so = status !== 0 && (await inspect(container).then(isSo, () => false));
      if (so) return;
      throw translate(`${what} of container ${container.slice(0, 12)}`, error, socketPath);
    }
  };
  const create = async (spec: ContainerSpec, init: boolean): Promise<string> => {
    try {
      return (await docker.createContainer(createOptions(spec, init))).id;
    } catch (error) {
      const said = messageOf(error);
      if (init && /container-init|catatonit/.test(said)) return create(spec, false);
      if (statusOf(error) === 409 || /name .* is already in use/.test(said)) {
        throw new HeadjackError('name_taken', `a container named ${spec.name} exists already`, {
          cause: error,
        });
      }
      throw translate(`container ${spec.name}`, error, socketPath);
    }
  };

  return {
    ...createEngineImages({ docker, patient, call, identify, socketPath, caller }),
    ...createEngineProject(docker, call),

    identify,

    async version() {
      const said = await call('version', () => docker.version());
      return { version: said?.Version ?? '', apiVersion: said?.ApiVersion ?? '' };
    },

    create: spec => create(spec, true),

    async limit(container, { memory, cpus, pids }) {
      if (memory === undefined && cpus === undefined && pids === undefined) return;
      const limits = {
        ...(memory === undefined ? {} : { Memory: memory, MemorySwap: 2 * memory }),
        ...(cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
        ...(pids === undefined ? {} : { PidsLimit: pids }),
      };
      // podman has no such call: findIgnoredLimits tells
      await call('limits of the container', () => docker.getContainer(container).update(limits), [404, 501]);
    },

    async findIgnoredLimits(container, { memory, cpus, pids }) {
      if (memory === undefined && cpus === undefined && pids === undefined) return [];
      const {
        Memory = 0,
        NanoCpus = 0,
        CpuQuota = 0,
        PidsLimit,
      } = (await inspect(container))?.HostConfig ?? {};
      return [
        ...(memory !== undefined && Memory === 0 ? ['memory'] : []),
        ...(cpus !== undefined && NanoCpus === 0 && CpuQuota === 0 ? ['cpus'] : []),
        ...(pids !== undefined && (PidsLimit ?? 0) <= 0 ? ['pids'] : []),
      ];
    },

    start: container =>
      settle(
        'start',
        container,
        () => docker.getContainer(container).start(),
        found => found?.State.Running === true,
      ),

    async readFile(container, file) {
      const stream = await call(
        `file ${file}`,
        () => docker.getContainer(container).getArchive({ path: file }),
        [404],
      );
      if (stream === undefined) return undefined;
      return readFirstFile(stream);
    },

    putEntries: (container, entries) => unpackEntries(createEngineUnpacker(docker, call, container), entries),

    async processes(container) {
      const { name } = await identify();
      // Docker asks the host's ps; podman would ask the image's, which may have none, but for its own call
      const place =
        name === 'podman'
          ? `/v4.0.0/libpod/containers/${container}/top?ps_args=pid,args`
          : `/containers/${container}/top?ps_args=-eo%20pid,args`;
      try {
        // podman says nothing at all of a container that has just ended
        const top = (await http.request('GET', place)) as { Processes?: string[][] | null } | undefined;
        return (top?.Processes ?? []).map(row => row.at(-1) ?? '');
      } catch (error) {
        const status = engineStatus(error);
        if (![404, 409, 500].includes(status)) throw error;
        // of a container that runs it could be any failure
        return status === 500 && (await inspect(container))?.State.Running === true ? undefined : [];
      }
    },

    stop: (container, graceSeconds) =>
      settle(
        'stop',
        container,
        () => docker.getContainer(container).stop({ t: graceSeconds }),
        found => found?.State.Running !== true,
      ),

    remove: container =>
      settle(
        'removal',
        container,
        () => docker.getContainer(container).remove({ force: true, v: true }),
        found => found === undefined,
      ),
  };
}

function statusOf(error: unknown): number {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : 0;
}

function translate(what: string, error: unknown, socketPath: string): unknown {
  if (errnoOf(error) !== undefined) return translateConnection(error, socketPath);
  const status = statusOf(error);
  if (status === 0) return error;
  const body = error instanceof Error && 'json' in error ? JSON.stringify(error.json) : messageOf(error);
  const failure = engineFailed(what, status, body);
  if (
    /executable file not found|no such file or directory.*\bsh\b|\bsh\b.*no such file/i.test(failure.message)
  ) {
    return new HeadjackError('image_unsuitable', 'the image has no `sh`, which every instance needs', {
      hint: 'choose an image with a POSIX shell: hjk run <branch> --image <ref>',
      cause: failure,
    });
  }
  return failure;
}

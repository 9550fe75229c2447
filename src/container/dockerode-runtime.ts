import Docker from 'dockerode';
import type { ContainerCreateOptions } from 'dockerode';
import tar from 'tar-stream';
import { HeadjackError, errnoOf, messageOf } from '../errors.ts';
import { printable } from '../core/printable.ts';
import { keepAliveCommand } from './keep-alive.ts';
import { engineFailed, translateConnection } from './engine-http.ts';
import type { ArchiveEntry, BindMount, ContainerRuntime, ContainerSpec } from './port.ts';

/** Making and removing write to the disk: they may take longer than an answer from memory. */
const SLOW_FACTOR = 4;

/** @param timeoutMs that the engine may be silent */
export function createDockerodeRuntime(socketPath: string, timeoutMs: number): ContainerRuntime {
  const docker = new Docker({ socketPath, timeout: SLOW_FACTOR * timeoutMs });
  /** A build may say nothing for minutes. */
  const builder = new Docker({ socketPath });
  /** Runs a call; `accept` are the statuses that mean "already so". */
  const call = async <T>(
    what: string,
    action: () => Promise<T>,
    accept: readonly number[] = [],
  ): Promise<T | undefined> => {
    try {
      return await action();
    } catch (error) {
      if (accept.includes(statusOf(error))) return undefined;
      throw translate(what, error, socketPath);
    }
  };

  let rootless: Promise<boolean> | undefined;

  return {
    isRootless() {
      rootless ??= call('info', () => docker.info()).then(info => {
        const { SecurityOptions } = (info ?? {}) as { SecurityOptions?: string[] };
        return SecurityOptions?.some(option => option.includes('name=rootless')) ?? false;
      });
      return rootless;
    },

    async version() {
      const said = await call('version', () => docker.version());
      return { version: said?.Version ?? '', apiVersion: said?.ApiVersion ?? '' };
    },

    async findImage(reference) {
      const image = await call(`image ${reference}`, () => docker.getImage(reference).inspect(), [404]);
      return image === undefined ? undefined : { id: image.Id, user: image.Config.User };
    },

    async create(spec) {
      try {
        return (await docker.createContainer(createOptions(spec))).id;
      } catch (error) {
        if (statusOf(error) === 409) {
          throw new HeadjackError('name_taken', `a container named ${spec.name} exists already`, {
            cause: error,
          });
        }
        throw translate(`container ${spec.name}`, error, socketPath);
      }
    },

    async start(container) {
      await call(
        `start of container ${container.slice(0, 12)}`,
        () => docker.getContainer(container).start(),
        [304],
      );
    },

    async readFile(container, file) {
      const stream = await call(
        `file ${file}`,
        () => docker.getContainer(container).getArchive({ path: file }),
        [404],
      );
      if (stream === undefined) return undefined;
      const chunks: Buffer[] = [];
      const extract = tar.extract();
      stream.pipe(extract);
      for await (const entry of extract) {
        for await (const chunk of entry) chunks.push(chunk as Buffer);
      }
      return Buffer.concat(chunks).toString('utf8');
    },

    async putEntries(container, entries) {
      const archive = await packEntries(entries);
      await call('files for the container', () =>
        docker.getContainer(container).putArchive(archive, { path: '/' }),
      );
    },

    async processes(container) {
      const top = (await call(
        'list of processes',
        () => docker.getContainer(container).top({ ps_args: '-eo pid,args' }),
        [404, 409, 500],
      )) as { Processes?: string[][] } | undefined;
      return (top?.Processes ?? []).map(row => row.at(-1) ?? '');
    },

    async stop(container, graceSeconds) {
      await call('stop', () => docker.getContainer(container).stop({ t: graceSeconds }), [304, 404]);
    },

    async remove(container) {
      await call('removal', () => docker.getContainer(container).remove({ force: true, v: true }), [404]);
    },

    async buildImage(tag, dockerfile, labels) {
      const context = await packEntries([
        { kind: 'file', path: '/Dockerfile', content: dockerfile, mode: 0o644 },
      ]);
      const { Readable } = await import('node:stream');
      const stream = await call(`build of ${tag}`, () =>
        builder.buildImage(Readable.from([context]), {
          t: tag,
          labels: { ...labels },
          forcerm: true,
          networkmode: 'none',
        }),
      );
      if (stream === undefined) return;
      await new Promise<void>((resolve, reject) => {
        docker.modem.followProgress(stream, (error, output: { error?: string }[] | null) => {
          const failed =
            output?.find(line => line.error !== undefined)?.error ??
            (error === null ? undefined : messageOf(error));
          if (failed === undefined) resolve();
          else
            reject(
              new HeadjackError('image_build_failed', `image ${tag} cannot be built: ${printable(failed)}`),
            );
        });
      });
    },
  };
}

function createOptions(spec: ContainerSpec): ContainerCreateOptions {
  const bind = (type: 'bind' | 'volume') => (mount: BindMount) => ({
    Type: type,
    Source: mount.source,
    Target: mount.target,
    ReadOnly: mount.readOnly,
  });
  const ports: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of spec.ports)
    (ports[port.container] ??= []).push({ HostIp: port.hostIp, HostPort: port.hostPort });
  return {
    name: spec.name,
    Image: spec.image,
    Hostname: spec.name
      .slice(0, 63)
      .replace(/[^A-Za-z0-9-]/g, '-')
      .replace(/-+$/, ''),
    Labels: { ...spec.labels },
    Env: [...spec.env],
    User: spec.user,
    WorkingDir: '/workspace',
    Entrypoint: [...keepAliveCommand],
    Cmd: [],
    StopSignal: 'SIGTERM',
    Healthcheck: { Test: ['NONE'] },
    ExposedPorts: Object.fromEntries(Object.keys(ports).map(port => [port, {}])),
    HostConfig: {
      Init: true,
      Mounts: [...spec.mounts.map(bind('bind')), ...spec.volumes.map(bind('volume'))],
      Tmpfs: { '/run/headjack': 'mode=1777,size=4m' },
      PortBindings: ports,
      // nothing of ours is written there, and a program inside could fill the host's disk with it
      LogConfig: { Type: 'none', Config: {} },
      RestartPolicy: { Name: 'no' },
      SecurityOpt: ['no-new-privileges'],
      ...(spec.memory === undefined ? {} : { Memory: spec.memory }),
      ...(spec.cpus === undefined ? {} : { NanoCpus: Math.round(spec.cpus * 1e9) }),
      ...(spec.pids === undefined ? {} : { PidsLimit: spec.pids }),
      ...(spec.network === undefined ? {} : { NetworkMode: spec.network }),
    },
  };
}

function packEntries(entries: readonly ArchiveEntry[]): Promise<Buffer> {
  const pack = tar.pack();
  for (const entry of entries) {
    const name = entry.path.replace(/^\//, '');
    if (entry.kind === 'file') pack.entry({ name, mode: entry.mode, uid: 0, gid: 0 }, entry.content);
    else if (entry.kind === 'link')
      pack.entry({ name, type: 'symlink', linkname: entry.target, mode: 0o777 });
    else
      pack.entry({ name: `${name}/`, type: 'directory', mode: entry.mode, uid: entry.uid, gid: entry.gid });
  }
  pack.finalize();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    pack.on('data', chunk => chunks.push(chunk as Buffer));
    pack.on('end', () => {
      resolve(Buffer.concat(chunks));
    });
    pack.on('error', reject);
  });
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

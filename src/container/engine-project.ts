import type Docker from 'dockerode';
import { isOurs, isPart } from './labels.ts';
import type { ContainerRuntime } from './port.ts';

/** Runs a call of the engine; `accept` are the statuses that mean "already so". */
type Call = <T>(what: string, action: () => Promise<T>, accept?: readonly number[]) => Promise<T | undefined>;

/** What belongs to a dev container besides itself: volumes, and the rest of a compose project. */
export function createEngineProject(
  docker: Docker,
  call: Call,
): Pick<ContainerRuntime, 'hasVolume' | 'removeVolume' | 'listProject' | 'removeProject'> {
  const filters = (project: string): { label: string[] } => ({
    label: [`com.docker.compose.project=${project}`],
  });
  const listProject: ContainerRuntime['listProject'] = async project => {
    const found = await call(`project ${project.name}`, () =>
      docker.listContainers({ all: true, filters: filters(project.name) }),
    );
    return (found ?? [])
      .filter(
        ({ Labels }) =>
          isOurs(Labels, project.instance, project.owner) || isPart(Labels, project.instance, project.owner),
      )
      .map(container => ({
        id: container.Id,
        service: container.Labels['com.docker.compose.service'] ?? '',
        running: container.State === 'running',
      }));
  };
  return {
    listProject,

    async hasVolume(name) {
      return (await call(`volume ${name}`, () => docker.getVolume(name).inspect(), [404])) !== undefined;
    },

    async removeVolume(name) {
      await call(
        `removal of volume ${name}`,
        () => docker.getVolume(name).remove() as Promise<unknown>,
        [404],
      );
    },

    async removeProject(project) {
      for (const { id } of await listProject(project))
        await call(
          `removal of ${project.name}`,
          () => docker.getContainer(id).remove({ force: true, v: true }),
          [404],
        );
      const networks = await call('networks', () => docker.listNetworks({ filters: filters(project.name) }));
      for (const { Id } of networks ?? [])
        await call(
          `removal of a network of ${project.name}`,
          () => docker.getNetwork(Id).remove() as Promise<unknown>,
          [404],
        );
      const images = await call('images', () => docker.listImages());
      // built for a service, and named by compose
      const built = (images ?? [])
        .flatMap(image => (image.RepoTags as string[] | null) ?? [])
        .filter(tag => new RegExp(`^(localhost/)?${project.name}[_-]`).test(tag));
      for (const tag of built)
        await call(`removal of image ${tag}`, () => docker.getImage(tag).remove(), [404, 409]);
      const volumes = await call('volumes', () => docker.listVolumes({ filters: filters(project.name) }));
      for (const { Name } of volumes?.Volumes ?? [])
        await call(
          `removal of volume ${Name}`,
          () => docker.getVolume(Name).remove() as Promise<unknown>,
          [404],
        );
    },
  };
}

import { HeadjackError } from '../errors.ts';
import type { EngineHttp } from './engine-http.ts';
import type { ContainerLister, ContainerSummary } from './port.ts';

interface ListedContainer {
  Id: string;
  Names?: string[];
  State?: string;
  Labels?: Record<string, string> | null;
  Mounts?: { Type?: string; Source?: string }[];
}

export function createEngineLister(engine: EngineHttp): ContainerLister {
  return {
    async list() {
      const listed = (await engine.request('GET', '/containers/json?all=1')) as ListedContainer[];
      return listed.map(summarize);
    },
    async startedAt(container) {
      try {
        const found = await engine.request('GET', `/containers/${container}/json`);
        const time = Date.parse((found as { State?: { StartedAt?: string } }).State?.StartedAt ?? '');
        return time > 0 ? time : undefined; // the year 1 stands for never
      } catch (error) {
        if (error instanceof HeadjackError && error.code === 'engine_failed') return undefined;
        throw error;
      }
    },
  };
}

function summarize(container: ListedContainer): ContainerSummary {
  return {
    id: container.Id,
    name: (container.Names?.[0] ?? '').replace(/^\//, ''),
    // what is paused goes on once somebody resumes it: nothing of it has ended
    state: container.State === 'running' || container.State === 'paused' ? 'running' : 'stopped',
    // podman has two more words for it
    fresh: ['created', 'configured', 'initialized'].includes(container.State ?? ''),
    labels: container.Labels ?? {},
    sources: (container.Mounts ?? []).flatMap(mount => (mount.Source === undefined ? [] : [mount.Source])),
  };
}

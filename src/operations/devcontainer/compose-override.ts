import type { BindMount } from '../../container/port.ts';
import { formatPort } from '../../container/run-arguments.ts';
import type { ComposeDocument } from '../../devcontainer/compose.ts';
import { isRecord, textOf } from '../../devcontainer/config.ts';
import { plainPath } from '../../devcontainer/run-options.ts';
import { forwardedPorts } from './engine-calls.ts';
import { findTaken, placeTaken, type Making } from './making.ts';
import type { RemoteUser } from './remote-user.ts';

/** Label of a project's other containers: whose instance they belong to. */
const PART_LABEL = 'dev.headjack.part';

/** What every instance has, in compose's words, for the dev container; whose they are, for the others. */
export async function composeOverride(
  making: Making,
  document: ComposeDocument,
  main: {
    readonly name: string;
    readonly user: RemoteUser;
    readonly image: string;
    readonly init: boolean;
  },
): Promise<Record<string, unknown>> {
  const { services, held, plan, config } = making;
  const service = document.services[main.name] ?? {};
  const published = listOf(service['ports']);
  const forwarded = await forwardedPorts(config['forwardPorts'], published);
  const init =
    main.init &&
    (document.version === undefined || Number(document.version) >= 3.7 || /^2\.[2-9]/.test(document.version));
  const own = {
    image: main.image,
    user: main.user.container,
    ...(init ? { init: true } : {}),
    labels: plan.spec.labels,
    environment: [...plan.spec.env],
    volumes: [...plan.spec.mounts, ...maskedCopies(making, service)].map(bindOf),
    tmpfs: ['/run/headjack:mode=1777,size=4m'],
    working_dir: '/workspace',
    restart: 'no',
    logging: { driver: 'none' },
    ...(listOf(service['security_opt']).some(option => option.startsWith('no-new-privileges'))
      ? {}
      : { security_opt: ['no-new-privileges'] }),
    ports: [...plan.spec.ports, ...forwarded].map(formatPort),
  };
  const others = Object.keys(document.services)
    .filter(name => name !== main.name)
    .map(name => [
      name,
      { labels: { 'dev.headjack.owner': services.owner, [PART_LABEL]: held.entry.id }, restart: 'no' },
    ]);
  return {
    ...(document.version === undefined ? {} : { version: document.version }),
    services: { [main.name]: own, ...(Object.fromEntries(others) as Record<string, unknown>) },
  };
}

function bindOf(mount: BindMount): Record<string, unknown> {
  return { type: 'bind', source: mount.source, target: mount.target, read_only: mount.readOnly };
}

/** The worktree where the compose file mounts it: `.git` is no more writable there. Anything else over ours is refused. */
function maskedCopies(making: Making, service: Readonly<Record<string, unknown>>): BindMount[] {
  const { worktree } = making.plan;
  return mountsOf(service).flatMap(({ source, target }) => {
    const taken = target === worktree && source === worktree ? undefined : findTaken(target, making.plan);
    if (source === worktree && (taken === undefined || target === '/workspace'))
      return target === worktree
        ? []
        : [{ source: `${worktree}/.git`, target: `${target}/.git`, readOnly: true }];
    if (taken !== undefined) throw placeTaken(making, taken);
    return [];
  });
}

export function mountsOf(service: Readonly<Record<string, unknown>>): { source: string; target: string }[] {
  const { volumes } = service;
  return (Array.isArray(volumes) ? (volumes as unknown[]) : []).flatMap(item => {
    if (typeof item === 'string') {
      const [source = '', target] = item.split(':');
      return [{ source: plainPath(source), target: plainPath(target ?? source) }];
    }
    return isRecord(item)
      ? [{ source: plainPath(textOf(item['source']) ?? ''), target: plainPath(textOf(item['target']) ?? '') }]
      : [];
  });
}

/** A list, or a map as `name=value`. */
export function listOf(value: unknown): string[] {
  if (Array.isArray(value))
    return value.map(item => (isRecord(item) ? String(item['target']) : String(item)));
  return isRecord(value) ? Object.entries(value).map(([key, given]) => `${key}=${String(given)}`) : [];
}

import { PART_LABEL } from '../../container/labels.ts';
import type { BindMount } from '../../container/port.ts';
import { formatPort } from '../../container/run-arguments.ts';
import type { ComposeDocument } from '../../devcontainer/compose.ts';
import { serviceMounts } from '../../devcontainer/compose-mounts.ts';
import { isRecord } from '../../devcontainer/config.ts';
import { bindVolume, listOf, requirePlacesFree, restrictService } from './compose-restrict.ts';
import type { ServiceUsers } from './compose-users.ts';
import { forwardedPorts } from './engine-calls.ts';
import type { Making } from './making.ts';
import type { RemoteUser } from './remote-user.ts';

/** What every instance has, in compose's words, for the dev container; whose they are, for the others. */
export async function composeOverride(
  making: Making,
  document: ComposeDocument,
  main: {
    readonly name: string;
    readonly user: RemoteUser;
    readonly image: string;
    readonly init: boolean;
    readonly users: ServiceUsers['parts'];
    /** Of the worktree, over what the image has there. */
    readonly mounts: readonly BindMount[];
  },
): Promise<Record<string, unknown>> {
  const { services, held, plan, config } = making;
  const service = document.services[main.name] ?? {};
  const mounted = serviceMounts(document, main.name);
  requirePlacesFree(making, mounted);
  const over = mounted.some(({ target }) => target === '/workspace') ? [] : main.mounts;
  const restricted = restrictService(making, document, main.name);
  const published = targetsOf(service['ports']);
  const forwarded = await forwardedPorts(config['forwardPorts'], published);
  const init =
    main.init &&
    (document.version === undefined || Number(document.version) >= 3.7 || /^2\.[2-9]/.test(document.version));
  const own = {
    ...restricted.rest,
    image: main.image,
    user: main.user.container,
    ...(init ? { init: true } : {}),
    labels: plan.spec.labels,
    environment: [...plan.spec.env],
    volumes: [...[...plan.spec.mounts, ...over].map(bindVolume), ...restricted.volumes],
    tmpfs: ['/run/headjack:mode=1777,size=4m'],
    working_dir: '/workspace',
    logging: { driver: 'none' },
    ports: [...plan.spec.ports, ...forwarded].map(formatPort),
  };
  const others = Object.keys(document.services)
    .filter(name => name !== main.name)
    .map(name => {
      const { volumes, rest } = restrictService(making, document, name);
      const labels = { 'dev.headjack.owner': services.owner, [PART_LABEL]: held.entry.id };
      return [name, { ...rest, ...main.users[name], labels, volumes }];
    });
  return {
    ...(document.version === undefined ? {} : { version: document.version }),
    services: { [main.name]: own, ...(Object.fromEntries(others) as Record<string, unknown>) },
  };
}

function targetsOf(ports: unknown): string[] {
  return listOf(
    Array.isArray(ports) ? ports.map(port => (isRecord(port) ? port['target'] : port) as unknown) : [],
  );
}

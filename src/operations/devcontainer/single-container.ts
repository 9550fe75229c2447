import { keepAliveCommand, keepAliveWithoutInit } from '../../container/keep-alive.ts';
import { isOurs } from '../../container/labels.ts';
import type { BindMount, PublishedPort } from '../../container/port.ts';
import { protectMount } from '../../container/protect-mount.ts';
import { runArguments } from '../../container/run-arguments.ts';
import { variableReach } from '../../devcontainer/host-variables.ts';
import { bindOf } from '../../devcontainer/bind-of.ts';
import { mountOf, type RunOption } from '../../devcontainer/run-options.ts';
import { HeadjackError, messageOf } from '../../errors.ts';
import { overVolumes } from '../make-container.ts';
import type { Services } from '../services.ts';
import {
  fileIn,
  findOwnVolumes,
  findRunReaches,
  forwardedPorts,
  parseRunCall,
  type RunCall,
} from './engine-calls.ts';
import {
  findTaken,
  furnishAndRecord,
  placeTaken,
  usableImage,
  userReaches,
  type MadeContainer,
  type Making,
} from './making.ts';
import { decideUser, metadataVariables, parseMetadata, type RemoteUser } from './remote-user.ts';
import { isRootStrange } from './root-programs.ts';

/** What was made before it is whole: told as it comes, for whoever has to undo it. */
export interface Unfinished {
  container?: string;
  volumes?: readonly string[];
}

/**
 * Makes and starts the container that a `docker run` of the devcontainer CLI asks for, with what every instance has.
 * @throws HeadjackError untrusted, devcontainer_invalid, engine_failed
 */
export async function makeSingle(
  making: Making,
  args: readonly string[],
  unfinished: Unfinished,
): Promise<MadeContainer> {
  const { services, held, plan, inside, found } = making;
  const call = parseRunCall(args);
  if (call === undefined)
    throw new HeadjackError('devcontainer_failed', `headjack does not understand: ${args.join(' ')}`);
  const runtime = await services.runtime();
  const image = await runtime.findImage(call.image);
  if (image === undefined)
    throw new HeadjackError('image_missing', `image ${call.image} is not on the engine`);
  const option = call.options.findLast(({ name }) => name === 'user')?.value;
  const privileged = call.options.some(({ name }) => name === 'privileged');
  const user = decideUser(parseMetadata(call.options, image.labels), {
    option,
    image: image.user,
    ids: plan.ids,
    strict: !privileged && (await isRootStrange(services)),
  });
  const reaches = [
    ...findRunReaches(call.options, inside),
    ...metadataVariables(call.options, image.labels).map(variableReach),
    ...(await userReaches(making, user)),
  ];
  making.requireApproved(reaches);
  services.progress.phase('container');
  const volumes = findOwnVolumes(call.options, inside.devcontainerId);
  const known = await Promise.all(volumes.map(volume => runtime.hasVolume(volume)));
  unfinished.volumes = volumes.filter((_, i) => known[i] === false);
  const name = await freeName(services, plan.names, held.entry.id);
  const id = await create(making, call, {
    user,
    name,
    image: await usableImage(making, image, user),
    mounts: overVolumes(plan, image),
  });
  unfinished.container = id;
  const person = await furnishAndRecord(making, id, { user, volumes: call.options.flatMap(volumeOf) });
  await runtime.start(id);
  const { file, digest } = found.content;
  return {
    id,
    user: person,
    devcontainer: {
      file,
      digest,
      reaches: making.recorded(reaches),
      volumes,
      own_command: call.rest.length > 1,
    },
  };
}

async function create(
  making: Making,
  call: RunCall,
  how: {
    readonly user: RemoteUser;
    readonly image: string;
    readonly name: string;
    /** Of the worktree, over what the image has there. */
    readonly mounts: readonly BindMount[];
  },
): Promise<string> {
  const { services, config } = making;
  const options = keep(making, call.options);
  const published = options.flatMap(({ name, value = '' }) => (name === 'publish' ? [value] : []));
  const forwarded = await forwardedPorts(config['forwardPorts'], published);
  tellPorts(services, forwarded, how.name);
  const attempt = (init: boolean): Promise<string> =>
    making.engine([
      'create',
      ...options.flatMap(({ words }) => words),
      ...ownArguments(making, { ...how, options, forwarded, init }),
      '--user',
      how.user.container,
      '--entrypoint',
      '/bin/sh',
      how.image,
      '-c',
      call.script,
      ...call.rest,
      // the script ends with `exec "$@"`
      ...(call.rest.length > 1 ? [] : init ? keepAliveCommand : keepAliveWithoutInit),
    ]);
  try {
    return await attempt(true);
  } catch (error) {
    if (!/container-init|catatonit/.test(messageOf(error))) throw error;
    return attempt(false);
  }
}

function ownArguments(
  { plan, scratch }: Making,
  how: {
    readonly options: readonly RunOption[];
    readonly user: RemoteUser;
    readonly name: string;
    readonly mounts: readonly BindMount[];
    readonly forwarded: readonly PublishedPort[];
    readonly init: boolean;
  },
): string[] {
  const { options, name } = how;
  const masks = (option: RunOption): readonly BindMount[] => {
    const mount = bindOf(option, plan.worktree);
    return mount === undefined ? [] : protectMount(mount, plan.own).masks;
  };
  const has = (wanted: string): boolean => options.some(option => option.name === wanted);
  const { engine } = plan.spec;
  const security = [
    ...engine.securityOptions,
    ...options.flatMap(o => (o.name === 'security-opt' ? [o.value ?? ''] : [])),
  ];
  return [
    ...runArguments(
      {
        ...plan.spec,
        name,
        mounts: [...plan.spec.mounts, ...how.mounts, ...options.flatMap(masks)],
        // root of an ordinary user's podman is that user
        keepIds: plan.spec.keepIds && how.user.kind !== 'root' && !has('userns'),
        ports: [...plan.spec.ports, ...how.forwarded],
        engine: {
          ...engine,
          hostname: engine.hostname ?? (has('hostname') ? undefined : name.slice(0, 63)),
        },
      },
      { init: how.init && !has('init'), fileOf: fileIn(scratch) },
    ),
    ...(security.some(option => option.startsWith('no-new-privileges'))
      ? []
      : ['--security-opt', 'no-new-privileges']),
  ];
}

/** What the CLI wants of the engine, less what is ours to say. */
function keep(making: Making, options: readonly RunOption[]): RunOption[] {
  const { plan } = making;
  const kept = options.filter(option => {
    if (
      /^(attach|detach|entrypoint|interactive|name|restart|rm|sig-proxy|tty|user|log-driver)$/.test(
        option.name,
      )
    )
      return false;
    // the CLI asks every podman for it; only an ordinary user's has it
    if (option.name === 'userns' && /^keep-id\b/.test(option.value ?? '')) return false;
    const target = mountOf(option)?.target;
    if (target === undefined) return true;
    if (target === plan.worktree) return false;
    const taken = findTaken(target, plan);
    if (taken !== undefined) throw placeTaken(making, taken);
    return true;
  });
  return kept.map(option => {
    const mount = bindOf(option, plan.worktree);
    if (mount === undefined || mount.readOnly || !protectMount(mount, plan.own).readOnly) return option;
    const value = `type=bind,source=${mount.source},target=${mount.target},readonly`;
    return { name: 'mount', value, words: ['--mount', value] };
  });
}

/** Where an option puts a volume. */
function volumeOf(option: RunOption): string[] {
  const mount = option.name === 'tmpfs' ? undefined : mountOf(option);
  return mount === undefined || mount.target === '' || /^[/.~]/.test(mount.source) ? [] : [mount.target];
}

function tellPorts(services: Services, forwarded: readonly PublishedPort[], name: string): void {
  for (const { container, hostPort } of forwarded)
    if (hostPort === '')
      services.progress.note(
        `Warning: port ${container} is in use on this machine, so it gets another one: docker port ${name}`,
      );
}

/** The first name that no stranger has; a container of ours by it was never recorded. */
async function freeName(services: Services, names: readonly string[], instance: string): Promise<string> {
  const containers = await services.lister.list();
  for (const name of names) {
    const holder = containers.find(container => container.name === name);
    if (holder === undefined) return name;
    if (!isOurs(holder.labels, instance, services.owner)) continue;
    await (await services.runtime()).remove(holder.id);
    return name;
  }
  throw new HeadjackError('name_taken', `a container named ${names[0] ?? ''} exists already`);
}

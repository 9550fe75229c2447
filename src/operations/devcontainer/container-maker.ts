import type { BindMount } from '../../container/port.ts';
import { keepAliveCommand, keepAliveWithoutInit } from '../../container/keep-alive.ts';
import { isOurs } from '../../container/labels.ts';
import { runArguments } from '../../container/run-arguments.ts';
import { findImageUser, type ContainerUser } from '../../container/user.ts';
import { devcontainerId } from '../../devcontainer/config.ts';
import type { Answer, EngineCall } from '../../devcontainer/gate.ts';
import { findReaches } from '../../devcontainer/reaches.ts';
import {
  mountOf,
  plainPath,
  splitRunOptions,
  type Inside,
  type RunOption,
} from '../../devcontainer/run-options.ts';
import { HeadjackError, messageOf } from '../../errors.ts';
import { runCaptured } from '../../process/run.ts';
import { deriveImage } from '../derive-image.ts';
import type { DevcontainerSpec } from '../instance-spec.ts';
import {
  furnish,
  readUserFiles,
  type ContainerOrder,
  type ContainerPlan,
  type UserFiles,
} from '../make-container.ts';
import { commitClaimed, type Claim } from '../operation.ts';
import type { Services } from '../services.ts';
import { imageLabel } from './clean.ts';
import {
  fileIn,
  findBuildReaches,
  findOwnVolumes,
  findRunReaches,
  forwardedPorts,
  parseRunCall,
  type RunCall,
} from './engine-calls.ts';
import type { Devcontainer } from './find.ts';
import { idLabels, resolvedConfig } from './resolved.ts';
import { trustStore, untrusted } from './trust.ts';
import { decideUser, parseMetadata, type Metadata, type RemoteUser } from './remote-user.ts';

/** A container that was made for the devcontainer CLI, and runs. */
export interface MadeContainer {
  readonly id: string;
  readonly user: ContainerUser;
  readonly devcontainer: DevcontainerSpec;
}

export interface MakerOrder {
  readonly found: Devcontainer;
  readonly plan: ContainerPlan;
  readonly order: ContainerOrder;
  /** A private folder for as long as the CLI runs. */
  readonly scratch: string;
}

/** Answers the calls that the devcontainer CLI makes of the engine. */
export interface ContainerMaker {
  readonly answer: (call: EngineCall) => Promise<Answer>;
  readonly made: MadeContainer | undefined;
  /** Why a call was refused: says it better than the CLI, which only sees that one failed. */
  readonly refusal: unknown;
  /** Removes what was made. */
  undo(): Promise<void>;
}

/** Calls that change nothing, or act on what is ours already. */
const harmlessCalls = /^(-v|--version|version|info|inspect|images|ps|events|exec|logs|start|tag|pull)$/;
export const FEATURE_CONTENT = 'dev_container_feature_content_temp';

export function createContainerMaker(services: Services, held: Claim, at: MakerOrder): ContainerMaker {
  const { entry } = held;
  const { found, plan, scratch } = at;
  const file = found.content.file;
  const ownId = devcontainerId(idLabels(services, entry.id));
  const inside: Inside = { worktree: plan.worktree, devcontainerId: ownId };
  const config = resolvedConfig(services, found.config, { worktree: plan.worktree, instance: entry.id });
  const store = trustStore(services, at.order.repository);
  const said = findReaches(config, found.content, inside);
  const approved = store.find(found.content.digest)?.reaches ?? [];
  let made: MadeContainer | undefined;
  let container: string | undefined;
  let newVolumes: readonly string[] = [];
  let refusal: unknown;

  const asWritten = (line: string): string =>
    line.replaceAll(plan.worktree, '${localWorkspaceFolder}').replaceAll(ownId, '${devcontainerId}');
  /** What the files say is approved, or nothing was done; what an image or a feature brings in has to be, too. */
  const requireApproved = (reaches: readonly string[]): void => {
    const open = reaches.filter(line => !said.includes(line)).map(asWritten);
    const unknown = open.filter(line => !approved.includes(line));
    if (unknown.length === 0) return;
    store.noteSeen(found.content.digest, unknown);
    throw untrusted(entry.branch, file, unknown);
  };
  const engine = async (args: readonly string[]): Promise<string> => {
    const [program = '', ...words] = [...services.engineCommand(), ...args];
    const ran = await runCaptured(program, words, { env: services.env });
    if (ran.code === 0) return ran.stdout.toString('utf8').trim();
    throw new HeadjackError('engine_failed', ran.stderr.trim().split('\n').at(-1) ?? `${program} failed`, {
      details: { args },
    });
  };

  const build = (args: readonly string[]): Answer => {
    requireApproved(findBuildReaches(args, [plan.worktree, scratch]));
    const first = args[0] === 'buildx' ? 2 : 1;
    // every dev container of this machine would use the one name
    const words = args
      .slice(first)
      .map(word =>
        word === FEATURE_CONTENT || word.endsWith(`=${FEATURE_CONTENT}`) ? `${word}-${entry.id}` : word,
      );
    const label = ['--label', imageLabel(services, entry.id)];
    return { run: [...services.engineCommand(), ...args.slice(0, first), ...label, ...words] };
  };

  /** What the CLI wants of the engine, less what is ours to say. */
  const keep = (options: readonly RunOption[]): RunOption[] =>
    options.filter(option => {
      if (
        /^(attach|detach|entrypoint|interactive|name|restart|rm|sig-proxy|tty|user|log-driver)$/.test(
          option.name,
        )
      )
        return false;
      const target = mountOf(option)?.target;
      if (target === undefined || target === plan.worktree) return target === undefined;
      const taken = findTaken(target, plan);
      if (taken !== undefined)
        throw new HeadjackError('devcontainer_invalid', `${file}: ${taken} is the instance's own`, {
          hint: 'mount it at another place in the container',
        });
      return true;
    });

  const createContainer = async (
    call: RunCall,
    how: { readonly user: RemoteUser; readonly image: string; readonly name: string },
  ): Promise<string> => {
    const options = keep(call.options);
    const has = (name: string): boolean => options.some(option => option.name === name);
    const published = options.flatMap(({ name, value = '' }) => (name === 'publish' ? [value] : []));
    const forwarded = await forwardedPorts(config['forwardPorts'], published);
    const { engine: asked } = plan.spec;
    const guarded = [
      ...options,
      ...splitRunOptions(asked.securityOptions.map(o => `--security-opt=${o}`)),
    ].some(({ name, value = '' }) => name === 'security-opt' && value.startsWith('no-new-privileges'));
    const create = (init: boolean): Promise<string> =>
      engine([
        'create',
        ...options.flatMap(({ words }) => words),
        ...runArguments(
          {
            ...plan.spec,
            name: how.name,
            mounts: [...plan.spec.mounts, ...maskedCopies(options, plan.worktree)],
            keepIds: plan.spec.keepIds && how.user.kind !== 'root',
            ports: [...plan.spec.ports, ...forwarded],
            engine: {
              ...asked,
              hostname: asked.hostname ?? (has('hostname') ? undefined : how.name.slice(0, 63)),
            },
          },
          { init: init && !has('init'), fileOf: fileIn(scratch) },
        ),
        ...(guarded ? [] : ['--security-opt', 'no-new-privileges']),
        '--user',
        how.user.container,
        '--entrypoint',
        '/bin/sh',
        how.image,
        '-c',
        call.script,
        ...call.rest,
        ...(call.rest.length > 1 ? [] : init ? keepAliveCommand : keepAliveWithoutInit),
      ]);
    for (const { container: port, hostPort } of forwarded)
      if (hostPort === '')
        services.progress.note(
          `port ${port} is in use here: another was chosen; see: docker port ${how.name}`,
        );
    try {
      return await create(true);
    } catch (error) {
      if (!/container-init|catatonit/.test(messageOf(error))) throw error;
      return create(false);
    }
  };

  const idsOf = (user: RemoteUser, files: UserFiles): { uid: number; gid: number } => {
    if (user.kind === 'root') return { uid: 0, gid: 0 };
    if (user.kind === 'caller') return plan.ids;
    const known = findImageUser(user.name, files.passwd);
    if (known !== undefined) return known;
    throw new HeadjackError('devcontainer_invalid', `${file}: the image has no user "${user.name}"`, {
      hint: 'name one that it has as remoteUser',
    });
  };

  const make = async (args: readonly string[]): Promise<Answer> => {
    const call = parseRunCall(args);
    if (call === undefined)
      throw new HeadjackError('devcontainer_failed', `not understood: ${args.join(' ')}`);
    const runtime = await services.runtime();
    const image = await runtime.findImage(call.image);
    if (image === undefined)
      throw new HeadjackError('image_missing', `image ${call.image} is not on the engine`);
    const metadata: Metadata[] = parseMetadata(call.options, image.labels);
    const user = decideUser(metadata, {
      option: valueOf(call.options, 'user'),
      image: image.user,
      ids: plan.ids,
    });
    const identity = await runtime.identify();
    const reaches = [
      ...findRunReaches(call.options, inside),
      ...(user.kind === 'root' && !identity.rootless && plan.ids.uid !== 0
        ? ['user root: what programs inside make belongs to root']
        : []),
    ];
    requireApproved(reaches);
    services.progress.phase('container');
    const volumes = findOwnVolumes(call.options, ownId);
    const fresh: string[] = [];
    for (const volume of volumes) if (!(await runtime.hasVolume(volume))) fresh.push(volume);
    newVolumes = fresh;
    const derived = user.kind === 'named' && user.derived;
    const usable = derived
      ? await deriveImage(services, { id: image.id, user: user.name }, plan.ids)
      : image.id;
    const name = await freeName(services, plan.names, entry.id);
    const id = await createContainer(call, { user, image: usable, name });
    container = id;
    const files = await readUserFiles(runtime, id);
    const declared = config['workspaceFolder'];
    const person = await furnish(runtime, id, {
      worktree: plan.worktree,
      chosen: idsOf(user, files),
      files,
      imageUser: user.kind === 'named' ? user.name : '',
      links:
        typeof declared === 'string' && declared.startsWith('/') && findTaken(declared, plan) === undefined
          ? [plainPath(declared)]
          : [],
    });
    // recorded before it starts
    await commitClaimed(services, held, draft => {
      draft.container_id = id;
    });
    await runtime.start(id);
    made = {
      id,
      user: person,
      devcontainer: {
        file,
        digest: found.content.digest,
        reaches: [...new Set([...said, ...reaches])].map(asWritten),
        volumes,
        own_command: call.rest.length > 1,
      },
    };
    services.progress.phase('commands of the dev container');
    return { hold: true };
  };

  return {
    answer: async call => {
      const [verb = '', second = ''] = call.args;
      try {
        if (verb === 'build' || (verb === 'buildx' && second === 'build')) return build(call.args);
        if (verb === 'run') return await make(call.args);
        if (verb === 'pull' && /^(localhost\/|docker\.io\/)?headjack\//.test(call.args.at(-1) ?? ''))
          throw new HeadjackError('image_missing', `image ${call.args.at(-1) ?? ''} is not on the engine`, {
            hint: 'hjk image build',
          });
        if (
          call.program === 'engine' &&
          (harmlessCalls.test(verb) || (verb === 'buildx' && second === 'version'))
        )
          return { run: [...services.engineCommand(), ...call.args] };
        return {
          refuse: `headjack does not let a dev container do this: ${call.args.slice(0, 3).join(' ')}`,
        };
      } catch (error) {
        refusal ??= error;
        throw error;
      }
    },
    get made() {
      return made;
    },
    get refusal() {
      return refusal;
    },
    async undo() {
      const runtime = await services.runtime();
      if (container !== undefined) {
        await runtime.remove(container);
        await commitClaimed(services, held, draft => {
          draft.container_id = '';
        });
      }
      for (const volume of newVolumes) await runtime.removeVolume(volume);
    },
  };
}

function valueOf(options: readonly RunOption[], name: string): string | undefined {
  return options.findLast(option => option.name === name)?.value;
}

/** The worktree at a second place: its `.git`, which leads git to what it runs, is no more writable there than at the first. */
function maskedCopies(options: readonly RunOption[], worktree: string): BindMount[] {
  return options.flatMap(option => {
    const mount = mountOf(option);
    return mount?.source === worktree
      ? [{ source: `${worktree}/.git`, target: `${mount.target}/.git`, readOnly: true }]
      : [];
  });
}

/** One of the places that are the instance's own, in one or above one. */
function findTaken(place: string, plan: ContainerPlan): string | undefined {
  const wanted = plainPath(place);
  return plan.reserved.find(
    own => own === wanted || wanted === '/' || own.startsWith(`${wanted}/`) || wanted.startsWith(`${own}/`),
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

import fs from 'node:fs';
import path from 'node:path';
import type { ImageInfo } from '../../container/port.ts';
import { LOST_BUILD_STEP } from '../../container/lost-build-step.ts';
import { findOnPath } from '../../container/engine-program.ts';
import { composeFiles } from '../../devcontainer/branch-files.ts';
import {
  composeReads,
  findComposeReaches,
  parseCompose,
  type ComposeDocument,
} from '../../devcontainer/compose.ts';
import { isRecord, textOf } from '../../devcontainer/config.ts';
import type { Answer } from '../../devcontainer/gate.ts';
import { HeadjackError } from '../../errors.ts';
import { runCaptured } from '../../process/run.ts';
import { noteIgnoredLimits, requireImage } from '../make-container.ts';
import type { Services } from '../services.ts';
import { renameFeatureContent } from './feature-content.ts';
import { composeOverride, listOf, mountsOf } from './compose-override.ts';
import {
  furnishAndRecord,
  requireInside,
  usableImage,
  userReaches,
  type MadeContainer,
  type Making,
} from './making.ts';
import { decideUser, parseMetadata } from './remote-user.ts';
import type { Unfinished } from './single-container.ts';

/** Name of an instance's compose project: of two worktrees with one folder name the CLI would make one. */
export function projectOf(instance: string): string {
  return `hjk-${instance}`;
}

/** `docker compose`, where the engine's program has it, or `docker-compose`. @throws HeadjackError engine_program_missing */
function composeCommand(services: Services, plugin: boolean): string[] {
  if (plugin) return [...services.engineCommand(), 'compose'];
  const file = findOnPath('docker-compose', services.env);
  if (file !== undefined) return ['env', `DOCKER_HOST=unix://${services.socket}`, file];
  throw new HeadjackError('engine_program_missing', 'docker compose is not installed', {
    hint: 'install it (Debian: apt-get install docker-compose), or do without devcontainer.json: --image <ref>',
  });
}

const verbs = ['config', 'build', 'up', 'ps', 'version'];

/**
 * Answers a call of compose. What its files come to is judged as compose itself reads them; `up` makes all containers, gives the dev
 * container what every instance has, records it, and only then starts them.
 */
export async function answerCompose(
  given: Making,
  call: { readonly args: readonly string[]; readonly plugin: boolean },
  unfinished: Unfinished,
): Promise<{ answer: Answer; made?: MadeContainer }> {
  const { args } = call;
  const making = asRootless(given);
  const command = composeCommand(making.services, call.plugin);
  const at = args.findIndex(
    (word, i) =>
      verbs.includes(word) && !/^(-f|--file|--project-name|-p|--env-file)$/.test(args[i - 1] ?? ''),
  );
  const verb = args[at] ?? '';
  const globals = args.slice(0, at);
  if (verb === 'version' || verb === 'config' || verb === 'ps')
    return { answer: { run: [...command, ...args] } };
  if (verb !== 'build' && verb !== 'up')
    throw new HeadjackError(
      'devcontainer_failed',
      `headjack lets no dev container do this: compose ${args.join(' ')}`,
    );
  renameFeatureContent(making);
  const document = await readProject(making, [...command, ...globals]);
  const place = {
    ...making.inside,
    base: making.plan.worktree,
    project: projectOf(making.held.entry.id),
  };
  making.requireApproved(withoutScratch(making, findComposeReaches(document, place)));
  requireInside(making, composeReads(document), making.plan.worktree);
  for (const { folder, raw } of rawDocuments(making)) requireInside(making, composeReads(raw), folder);
  if (verb === 'build') {
    const own = call.plugin ? [] : ['--force-rm'];
    return {
      answer: {
        run: [...command, ...globals, verb, ...own, ...args.slice(at + 1)],
        againAt: LOST_BUILD_STEP,
      },
    };
  }
  const { made, override } = await makeProject(
    making,
    document,
    [...command, ...globals],
    args.slice(at + 1),
    unfinished,
  );
  return { answer: { run: [...command, ...globals, '-f', override, ...args.slice(at)] }, made };
}

/** The branch's own compose files: what compose makes of them no longer says which files it has read. */
function rawDocuments({ found, plan }: Making): { folder: string; raw: ComposeDocument }[] {
  const names = composeFiles(found.config).map(name =>
    path.normalize(path.join(path.dirname(found.content.file), name)),
  );
  const first = path.dirname(path.join(plan.worktree, names[0] ?? ''));
  return found.content.files
    .filter(file => names.includes(file.path))
    .flatMap(file => parseCompose(file.content.toString('utf8')) ?? [])
    .map(raw => ({ folder: first, raw }));
}

/** Compose cannot ask podman to keep ids; an ordinary user's podman shows the user as root then, as rootless Docker does. */
function asRootless(making: Making): Making {
  const { plan } = making;
  if (!plan.spec.keepIds) return making;
  return { ...making, plan: { ...plan, ids: { uid: 0, gid: 0 }, spec: { ...plan.spec, keepIds: false } } };
}

/** What the CLI itself adds reads its own folder. */
function withoutScratch({ scratch }: Making, reaches: readonly string[]): string[] {
  return reaches.filter(
    line =>
      !line.includes(`Dockerfile ${scratch}/`) &&
      !line.includes(`build additional_contexts: {"dev_containers_feature_content_source":"${scratch}/`),
  );
}

async function readProject(making: Making, words: readonly string[]): Promise<ComposeDocument> {
  const text = await runCompose(making, [...words, 'config']);
  const document = parseCompose(text);
  if (document !== undefined) return document;
  throw new HeadjackError('devcontainer_failed', `compose config is not understood: ${text.slice(0, 200)}`);
}

async function runCompose({ services, plan, held }: Making, words: readonly string[]): Promise<string> {
  const [program = '', ...args] = words;
  const ran = await runCaptured(program, args, {
    cwd: plan.worktree,
    env: { ...services.env, COMPOSE_PROJECT_NAME: projectOf(held.entry.id) },
  });
  if (ran.code === 0) return ran.stdout.toString('utf8');
  throw new HeadjackError('devcontainer_failed', ran.stderr.trim().split('\n').at(-1) ?? 'compose failed', {
    details: ran.stderr.trim().split('\n').slice(-8),
  });
}

async function makeProject(
  making: Making,
  document: ComposeDocument,
  words: readonly string[],
  upWords: readonly string[],
  unfinished: Unfinished,
): Promise<{ made: MadeContainer; override: string }> {
  const { services, held, plan, scratch, found } = making;
  refuseUnsupported(making);
  const runtime = await services.runtime();
  const project = projectOf(held.entry.id);
  const name = textOf(making.config['service']) ?? '';
  const service = document.services[name] ?? {};
  const image = await findServiceImage(making, name, service);
  const labels = listOf(service['labels']);
  const metadata = parseMetadata(
    labels.map(label => ({ name: 'label', value: label, words: [] })),
    image.labels,
  );
  const user = decideUser(metadata, { option: textOf(service['user']), image: image.user, ids: plan.ids });
  const reaches = await userReaches(making, user);
  making.requireApproved(reaches);
  services.progress.phase('containers');
  const override = path.join(scratch, 'compose.headjack.json');
  const workspace = mountsOf(service).some(mount => mount.target === '/workspace');
  const usable = await usableImage(making, image, user);
  const create = async (init: boolean): Promise<void> => {
    fs.writeFileSync(
      override,
      JSON.stringify(await composeOverride(making, document, { name, user, image: usable, init })),
    );
    const wanted = upWords.filter(word => !word.startsWith('-'));
    await runCompose(making, [...words, '-f', override, 'up', '--no-start', ...wanted]);
  };
  await create(true).catch((error: unknown) => {
    // this engine has none
    if (!(error instanceof HeadjackError) || !/container-init|catatonit/.test(JSON.stringify(error.details)))
      throw error;
    return create(false);
  });
  const id = (await runtime.listProject(project)).find(container => container.service === name)?.id;
  if (id === undefined)
    throw new HeadjackError('devcontainer_failed', `compose made no container of service "${name}"`);
  unfinished.container = id;
  await runtime.limit(id, plan.spec);
  await noteIgnoredLimits(services, id, plan.spec);
  const person = await furnishAndRecord(making, id, { user, linked: !workspace });
  const { file, digest } = found.content;
  return {
    override,
    made: {
      id,
      user: person,
      devcontainer: { file, digest, compose: true, own_command: true, reaches: making.recorded(reaches) },
    },
  };
}

/** @throws HeadjackError usage for flags that compose files have their own words for */
function refuseUnsupported({ plan }: Making): void {
  const { engine, network, volumes } = plan.spec;
  const given = [
    ...(network === undefined ? [] : ['--network']),
    ...volumes.map(volume => `--volume ${volume.source}`),
    ...Object.entries(engine).flatMap(([key, value]) =>
      value === undefined ||
      value === false ||
      (Array.isArray(value) && value.length === 0) ||
      (isRecord(value) && Object.keys(value).length === 0)
        ? []
        : [key],
    ),
  ];
  if (given.length === 0) return;
  throw new HeadjackError('usage', `compose files say this themselves: ${given.join(' ')}`, {
    hint: 'write it into the compose file, or do without devcontainer.json: --image <ref>',
  });
}

async function findServiceImage(
  making: Making,
  name: string,
  service: Readonly<Record<string, unknown>>,
): Promise<ImageInfo> {
  const runtime = await making.services.runtime();
  const project = projectOf(making.held.entry.id);
  const named = textOf(service['image']);
  for (const reference of named === undefined ? [`${project}_${name}`, `${project}-${name}`] : [named]) {
    const image = await runtime.findImage(reference);
    if (image !== undefined) return image;
  }
  if (named !== undefined) return requireImage(making.services, named);
  throw new HeadjackError('image_missing', `the image of service "${name}" is not on the engine`);
}

/** Starts, or stops, what a project has besides the dev container. */
export async function switchProject(services: Services, instance: string, on: boolean): Promise<void> {
  const runtime = await services.runtime();
  for (const { id, running } of await runtime.listProject(projectOf(instance))) {
    if (on && !running) await runtime.start(id);
    if (!on && running) await runtime.stop(id, 1);
  }
}

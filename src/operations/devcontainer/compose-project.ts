import fs from 'node:fs';
import path from 'node:path';
import type { ImageInfo } from '../../container/port.ts';
import type { ComposeDocument } from '../../devcontainer/compose.ts';
import { isRecord, textOf } from '../../devcontainer/config.ts';
import { HeadjackError } from '../../errors.ts';
import { runCaptured } from '../../process/run.ts';
import { noteIgnoredLimits, requireImage } from '../make-container.ts';
import type { Services } from '../services.ts';
import { composeOverride } from './compose-override.ts';
import { listOf } from './compose-restrict.ts';
import { furnishAndRecord, usableImage, userReaches, type MadeContainer, type Making } from './making.ts';
import { decideUser, parseMetadata } from './remote-user.ts';
import type { Unfinished } from './single-container.ts';

/** Name of an instance's compose project: of two worktrees with one folder name the CLI would make one. */
export function projectOf(instance: string): string {
  return `hjk-${instance}`;
}

/** Compose, to its end. Gives its output. @throws HeadjackError devcontainer_failed */
export async function runCompose(
  { services, plan, held }: Making,
  words: readonly string[],
): Promise<string> {
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

/** Makes all containers of a project, gives the dev container what every instance has, and records it; none is started. */
export async function makeProject(
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
  const person = await furnishAndRecord(making, id, user);
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

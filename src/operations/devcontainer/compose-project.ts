import fs from 'node:fs';
import path from 'node:path';
import type { ComposeDocument } from '../../devcontainer/compose.ts';
import { serviceMounts } from '../../devcontainer/compose-mounts.ts';
import { isRecord, textOf } from '../../devcontainer/config.ts';
import { variableReach } from '../../devcontainer/host-variables.ts';
import { HeadjackError } from '../../errors.ts';
import { noteIgnoredLimits, overVolumes } from '../make-container.ts';
import type { Services } from '../services.ts';
import { composeProject } from './clean.ts';
import { composeOverride } from './compose-override.ts';
import { listOf } from './compose-restrict.ts';
import { runCompose } from './compose-resolve.ts';
import { decideServiceUsers } from './compose-users.ts';
import { furnishAndRecord, usableImage, userReaches, type MadeContainer, type Making } from './making.ts';
import { decideUser, metadataVariables, parseMetadata } from './remote-user.ts';
import { isRootStrange } from './root-programs.ts';
import { findServiceImage } from './service-image.ts';
import type { Unfinished } from './single-container.ts';

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
  const name = textOf(making.config['service']) ?? '';
  const service = document.services[name] ?? {};
  const image = await findServiceImage(making, name, service);
  // compose writes a dollar twice
  const labels = listOf(service['labels']).map(label => ({
    name: 'label',
    value: label.replaceAll('$$', '$'),
    words: [],
  }));
  const user = decideUser(parseMetadata(labels, image.labels), {
    option: textOf(service['user']),
    image: image.user,
    ids: plan.ids,
    strict: service['privileged'] !== true && (await isRootStrange(services)),
  });
  const users = await decideServiceUsers(making, document, { words, main: name });
  const reaches = [
    ...metadataVariables(labels, image.labels).map(variableReach),
    ...(await userReaches(making, user)),
    ...users.reaches,
  ];
  making.requireApproved(reaches);
  services.progress.phase('containers');
  const override = path.join(scratch, 'compose.headjack.json');
  const usable = await usableImage(making, image, user);
  const create = async (init: boolean): Promise<void> => {
    fs.writeFileSync(
      override,
      JSON.stringify(
        await composeOverride(making, document, {
          name,
          user,
          image: usable,
          init,
          users: users.parts,
          mounts: overVolumes(plan, image),
        }),
      ),
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
  const id = (await runtime.listProject(composeProject(services, held.entry.id))).find(
    container => container.service === name,
  )?.id;
  if (id === undefined)
    throw new HeadjackError('devcontainer_failed', `compose made no container of service "${name}"`);
  unfinished.container = id;
  await runtime.limit(id, plan.spec);
  await noteIgnoredLimits(services, id, plan.spec);
  const person = await furnishAndRecord(making, id, {
    user,
    volumes: serviceMounts(document, name).flatMap(({ source, target }) => (source === '' ? [target] : [])),
  });
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

/** Starts, or stops, what a project has besides the dev container. */
export async function switchProject(services: Services, instance: string, on: boolean): Promise<void> {
  const runtime = await services.runtime();
  for (const { id, running } of await runtime.listProject(composeProject(services, instance))) {
    if (on && !running) await runtime.start(id);
    if (!on && running) await runtime.stop(id, 1);
  }
}

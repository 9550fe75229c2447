import path from 'node:path';
import { findProgram } from '../../process/programs.ts';
import { findNamedByCompose } from '../../devcontainer/compose-files.ts';
import { composeFiles } from '../../devcontainer/branch-files.ts';
import {
  composeReads,
  findComposeReaches,
  parseCompose,
  type ComposeDocument,
} from '../../devcontainer/compose.ts';
import type { Answer } from '../../devcontainer/gate.ts';
import { HeadjackError } from '../../errors.ts';
import type { Services } from '../services.ts';
import { projectOf } from './clean.ts';
import { makeProject } from './compose-project.ts';
import { resolveProject, writeDocument, type ProjectNames } from './compose-resolve.ts';
import { renameFeatureContent } from './feature-content.ts';
import { requireInside, type MadeContainer, type Making } from './making.ts';
import type { Unfinished } from './single-container.ts';

/** `docker compose`, where the engine's program has it, or `docker-compose`. @throws HeadjackError engine_program_missing */
function composeCommand(services: Services, plugin: boolean): string[] {
  if (plugin) return [...services.engineCommand(), 'compose'];
  const file = findProgram('docker-compose', services.env);
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
  names: ProjectNames,
): Promise<{ answer: Answer; made?: MadeContainer }> {
  const { args } = call;
  const making = asRootless(given);
  const command = composeCommand(making.services, call.plugin);
  const at = args.findIndex(
    (word, i) =>
      verbs.includes(word) && !/^(-f|--file|--project-name|-p|--env-file|--profile)$/.test(args[i - 1] ?? ''),
  );
  const verb = args[at] ?? '';
  const globals = args.slice(0, at);
  if (verb === 'version' || verb === 'ps') return { answer: { run: [...command, ...args] } };
  if (verb === 'config') {
    const project = await resolveProject(making, names, command, globals);
    return { answer: { run: ['/bin/cat', writeDocument(project, making)] } };
  }
  if (verb !== 'build' && verb !== 'up')
    throw new HeadjackError(
      'devcontainer_failed',
      `headjack lets no dev container do this: compose ${args.join(' ')}`,
    );
  renameFeatureContent(making);
  const { document, words } = await resolveProject(making, names, command, globals);
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
        run: [...words, verb, ...own, ...args.slice(at + 1)],
        build: true,
      },
    };
  }
  const { made, override } = await makeProject(making, document, words, args.slice(at + 1), unfinished);
  return { answer: { run: [...words, '-f', override, ...args.slice(at)] }, made };
}

/** The branch's own compose files: what compose makes of them no longer says which files it has read. */
function rawDocuments({ found, plan }: Making): { folder: string; raw: ComposeDocument }[] {
  const names = composeFiles(found.config).map(name =>
    path.normalize(path.join(path.dirname(found.content.file), name)),
  );
  const first = path.dirname(path.join(plan.worktree, names[0] ?? ''));
  return found.content.files
    .filter(file => findNamedByCompose(found.content.files, names).compose.includes(file.path))
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

import fs from 'node:fs';
import path from 'node:path';
import { parseCompose, type ComposeDocument } from '../../devcontainer/compose.ts';
import { isRecord } from '../../devcontainer/config.ts';
import { approvedEnvironment } from '../../devcontainer/host-variables.ts';
import { shortHash } from '../../core/hash.ts';
import { HeadjackError } from '../../errors.ts';
import { runCaptured } from '../../process/run.ts';
import { imageLabels, projectImage, projectOf } from './clean.ts';
import type { Making } from './making.ts';

/** A compose project as compose itself reads it, in files that nobody else can change: what is judged is what is made. */
export interface ResolvedProject {
  readonly document: ComposeDocument;
  /** Compose, on those files. */
  readonly words: readonly string[];
}

/** What the calls of one making share. */
export interface ProjectNames {
  /** Services that the branch's own files build, found when the first call was resolved. */
  built?: ReadonlySet<string>;
}

/** Compose, to its end, with no variable of this machine but those that are approved. @throws HeadjackError devcontainer_failed */
export async function runCompose(making: Making, words: readonly string[]): Promise<string> {
  const { services, plan, held } = making;
  const [program = '', ...args] = words;
  const ran = await runCaptured(program, args, {
    cwd: plan.worktree,
    env: {
      ...approvedEnvironment(services.env, making.variables),
      COMPOSE_PROJECT_NAME: projectOf(held.entry.id),
    },
  });
  if (ran.code === 0) return ran.stdout.toString('utf8');
  throw new HeadjackError('devcontainer_failed', ran.stderr.trim().split('\n').at(-1) ?? 'compose failed', {
    details: ran.stderr.trim().split('\n').slice(-8),
  });
}

/**
 * Has compose resolve its files (variables, what they extend and include, several of them), and gives what is built names of ours: by
 * the names in the files an image would be replaced for everybody on the engine.
 * @param globals of the call: which files
 */
export async function resolveProject(
  making: Making,
  names: ProjectNames,
  command: readonly string[],
  globals: readonly string[],
): Promise<ResolvedProject> {
  const { services, held, scratch } = making;
  const text = await runCompose(making, [...command, ...globals, 'config']);
  const found = parseCompose(text);
  if (found === undefined)
    throw new HeadjackError('devcontainer_failed', `compose config is not understood: ${text.slice(0, 200)}`);
  names.built ??= new Set(
    Object.keys(found.services).filter(name => found.services[name]?.['build'] !== undefined),
  );
  const ours = new Map([...names.built].map(name => [name, projectImage(held.entry.id, shortHash(name, 8))]));
  const built = Object.keys(found.services).filter(name => isRecord(found.services[name]?.['build']));
  const overrides = built.map(name => [
    name,
    {
      ...(ours.has(name) ? { image: ours.get(name) } : {}),
      build: { labels: imageLabels(services, held.entry.id) },
    },
  ]);
  const folder = fs.mkdtempSync(path.join(scratch, 'compose-'));
  const files = [path.join(folder, 'resolved.yml'), path.join(folder, 'names.yml')] as const;
  fs.writeFileSync(files[0], text, { mode: 0o600 });
  fs.writeFileSync(
    files[1],
    JSON.stringify({
      ...(found.version === undefined ? {} : { version: found.version }),
      services: Object.fromEntries(overrides) as unknown,
    }),
  );
  const renamed = Object.entries(found.services).map(
    ([name, service]) => [name, ours.has(name) ? { ...service, image: ours.get(name) } : service] as const,
  );
  return {
    document: { ...found, services: Object.fromEntries(renamed) },
    words: [...command, '--project-name', projectOf(held.entry.id), ...files.flatMap(file => ['-f', file])],
  };
}

/** What the CLI is told of a project: as it will be made. Gives the file. */
export function writeDocument({ document }: ResolvedProject, { scratch }: Making): string {
  const file = path.join(fs.mkdtempSync(path.join(scratch, 'compose-')), 'config.json');
  const { version, services, rest } = document;
  fs.writeFileSync(
    file,
    JSON.stringify({ ...(version === undefined ? {} : { version }), services, ...rest }),
    {
      mode: 0o600,
    },
  );
  return file;
}

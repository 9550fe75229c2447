import path from 'node:path';
import type { BranchFile } from './branch-files.ts';
import { itemsOf } from './compose-place.ts';
import { parseCompose, type ComposeDocument } from './compose.ts';
import { isRecord, textOf } from './config.ts';

/** What compose reads of a branch, by paths from its root on. */
export interface ComposeInputs {
  /** Compose files: the named ones, and those that they extend or include. */
  readonly compose: readonly string[];
  /** Files of variables. */
  readonly env: readonly string[];
  /** Dockerfiles, files of labels, secrets and configs. */
  readonly others: readonly string[];
}

/**
 * What compose files lead to, as far as the files that are there say.
 * @param named the compose files that the configuration names; the first one's folder is where compose starts from
 */
export function findNamedByCompose(files: readonly BranchFile[], named: readonly string[]): ComposeInputs {
  const compose = new Set<string>(named);
  const first = path.posix.dirname(named[0] ?? '.');
  const env = new Set([path.posix.join(first, '.env'), '.env']);
  const others = new Set<string>();
  // a set hands out what is added while it is gone through
  for (const where of compose) {
    const file = files.find(({ path: at, link }) => at === where && !link);
    const document = parseCompose(file?.content.toString('utf8') ?? '');
    if (document === undefined) continue;
    const places = (name: string): string[] =>
      [path.posix.dirname(where), first].map(folder => path.posix.normalize(path.posix.join(folder, name)));
    for (const name of extendedBy(document)) compose.add(places(name)[0] ?? name);
    for (const name of environmentFilesOf(document)) for (const place of places(name)) env.add(place);
    for (const name of othersOf(document)) for (const place of places(name)) others.add(place);
  }
  return { compose: [...compose], env: [...env], others: [...others] };
}

const pathsOf = (value: unknown): string[] =>
  itemsOf(value)
    .flatMap(item => (isRecord(item) ? itemsOf(item['path']) : [item]))
    .flatMap(item => textOf(item) ?? []);

function extendedBy({ services, rest }: ComposeDocument): string[] {
  return [
    ...Object.values(services).flatMap(({ extends: base }) =>
      isRecord(base) ? (textOf(base['file']) ?? []) : [],
    ),
    ...pathsOf(rest['include']),
  ];
}

function environmentFilesOf({ services, rest }: ComposeDocument): string[] {
  const included = itemsOf(rest['include']).flatMap(item =>
    isRecord(item) ? pathsOf(item['env_file']) : [],
  );
  return [...Object.values(services).flatMap(service => pathsOf(service['env_file'])), ...included];
}

function othersOf({ services, rest }: ComposeDocument): string[] {
  const defined = ['secrets', 'configs'].flatMap(key => Object.values(isRecord(rest[key]) ? rest[key] : {}));
  return [
    ...Object.values(services).flatMap(service => {
      const { build, label_file: labels } = service;
      const { context = '.', dockerfile = 'Dockerfile' } = isRecord(build) ? build : { context: build ?? '' };
      const built = build === undefined ? [] : [path.posix.join(String(context), String(dockerfile))];
      return [...built, ...pathsOf(labels)];
    }),
    ...defined.flatMap(one => (isRecord(one) ? (textOf(one['file']) ?? []) : [])),
  ];
}

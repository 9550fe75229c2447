import fs from 'node:fs';
import path from 'node:path';
import type { Setting } from '../../git/environment.ts';
import { HeadjackError } from '../../errors.ts';
import { printable } from '../../core/printable.ts';
import { listFolder } from '../../process/files.ts';
import { judgeMaker, makerTag } from '../../process/maker-tag.ts';
import type { HostGit } from './host-git.ts';
import { MOST_BYTES, type Lines } from './inside.ts';

/** What came out cannot be taken; nothing of it is in the repository. */
export class Refused extends Error {}

/** Objects that came out of a container, in a folder of their own until they are found to be whole. */
export interface Quarantine {
  /** For git: what is in it, on top of the repository's own. */
  readonly variables: NodeJS.ProcessEnv;
  /** Moves them into the repository. */
  accept(): void;
  discard(): void;
}

/** Fewer objects than these become loose ones: a pack for every commit would be a burden to every git. */
const LOOSE = 100;
const MOST_OBJECTS = 5_000_000;
/** The container believes that the host has them: they must survive a power cut. */
const durableObjects: readonly Setting[] = [
  ['core.fsync', 'all'],
  ['core.fsyncMethod', 'batch'],
];
const PREFIX = 'tmp_objdir-hjk-';

/**
 * Takes a pack, checked object by object, into a folder beside the repository's objects. Undefined where there is no pack.
 * @throws Refused
 */
export async function receivePack(git: HostGit, answer: Lines): Promise<Quarantine | undefined> {
  const head = await answer.peek(12);
  if (head.length === 0) return undefined;
  if (head.length < 12 || head.toString('latin1', 0, 4) !== 'PACK')
    throw new Refused('what came out is no pack');
  const count = head.readUInt32BE(8);
  if (count === 0) return undefined;
  if (count > MOST_OBJECTS) throw new Refused(`what came out claims to hold ${String(count)} objects`);
  const quarantine = openQuarantine(git.commonDir);
  try {
    const limit = `--max-input-size=${String(MOST_BYTES)}`;
    const args =
      count < LOOSE
        ? ['unpack-objects', '-q', '--strict', limit]
        : ['index-pack', '--stdin', '--fix-thin', '--strict', '--fsck-objects', limit];
    const ran = await git.try(args, {
      settings: durableObjects,
      input: answer.remaining(),
      variables: quarantine.variables,
    });
    if (ran.code !== 0) throw new Refused(reasonOf(ran.stderr));
    return quarantine;
  } catch (error) {
    quarantine.discard();
    // it took too long, or said too much
    if (error instanceof HeadjackError && error.code === 'git_failed') throw new Refused(error.message);
    throw error;
  }
}

/** The last thing that git said, fit to be shown. */
function reasonOf(stderr: string): string {
  const lines = stderr.split('\n').filter(line => line.trim() !== '');
  const said = lines.find(line => /^(error|fatal):/.test(line)) ?? lines.at(-1) ?? 'git refused it';
  return printable(said.replace(/^(error|fatal): /, '')).slice(0, 300);
}

function openQuarantine(commonDir: string): Quarantine {
  const objects = path.join(commonDir, 'objects');
  for (const left of listFolder(objects))
    if (left.startsWith(PREFIX) && judgeMaker(left) === 'dead')
      fs.rmSync(path.join(objects, left), { recursive: true, force: true });
  const folder = fs.mkdtempSync(path.join(objects, `${PREFIX}${makerTag()}-`));
  return {
    variables: { GIT_OBJECT_DIRECTORY: folder, GIT_ALTERNATE_OBJECT_DIRECTORIES: objects },
    accept() {
      for (const name of listFolder(folder)) {
        if (/^[0-9a-f]{2}$/.test(name)) moveInto(path.join(folder, name), path.join(objects, name));
      }
      // the index of a pack last: with it, git sees the pack
      const packs = path.join(folder, 'pack');
      const order = (name: string): number => (name.endsWith('.idx') ? 1 : 0);
      const names = listFolder(packs).filter(name => /^pack-[0-9a-f]+\.(pack|rev|idx)$/.test(name));
      moveInto(
        packs,
        path.join(objects, 'pack'),
        names.sort((a, b) => order(a) - order(b)),
      );
      fs.rmSync(folder, { recursive: true, force: true });
    },
    discard() {
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

function moveInto(from: string, to: string, names: readonly string[] = listFolder(from)): void {
  if (names.length === 0) return;
  fs.mkdirSync(to, { recursive: true });
  for (const name of names) {
    const place = path.join(to, name);
    // one that is there is the same object: containers that run have it open
    if (!fs.existsSync(place)) fs.renameSync(path.join(from, name), place);
  }
}

/**
 * Whether everything that the commits need is there, and no nested repository is linked from them that was not before.
 * @param known what the repository has whole
 * @throws Refused
 */
export async function requireConnected(
  git: HostGit,
  tips: readonly string[],
  known: { readonly carried: string | null; readonly variables: NodeJS.ProcessEnv },
): Promise<void> {
  const ran = await git.try(['rev-list', '--objects', '--quiet', '--stdin', '--not', '--all'], {
    input: [...tips, ...(known.carried === null ? [] : [`^${known.carried}`]), ''].join('\n'),
    variables: known.variables,
  });
  if (ran.code !== 0) throw new Refused(reasonOf(ran.stderr));
}

/** Paths at which commits of the instance's own link a nested repository that their parents do not. At most ten. */
export async function findNewLinks(
  git: HostGit,
  tips: readonly string[],
  variables: NodeJS.ProcessEnv,
): Promise<string[]> {
  const commits = await git.text(['rev-list', '--stdin', '--not', '--all'], {
    input: [...tips, ''].join('\n'),
    variables,
  });
  if (commits === '') return [];
  const raw = await git.text(
    [
      'diff-tree',
      '--stdin',
      '-r',
      '-c',
      '--root',
      '--no-commit-id',
      '--no-renames',
      '--diff-filter=AT',
      '-z',
    ],
    { input: commits, variables },
  );
  const fields = raw.split('\0');
  const found = new Set<string>();
  for (const [i, field] of fields.entries()) {
    const modes = /^(:+)((?:[0-7]{6} )+)/.exec(field);
    if (modes === null) continue;
    const all = (modes[2] ?? '').trim().split(' ');
    if (all.at(-1) === '160000' && !all.slice(0, -1).includes('160000')) found.add(fields[i + 1] ?? '');
    if (found.size >= 10) break;
  }
  return [...found].map(name => printable(Buffer.from(name, 'latin1').toString('utf8')));
}

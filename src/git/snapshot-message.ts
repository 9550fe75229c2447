import * as z from 'zod';
import { isValidBranch } from '../core/branch.ts';
import type { Plumbing } from './plumbing.ts';
import { INSTANCE_ID } from '../core/identifiers.ts';

const object = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
const ref = z.string().refine(name => name.startsWith('refs/') && isValidBranch(name));
const paths = z.array(z.string());
const mode = z.string().regex(/^[0-7]{1,4}$/);

/**
 * What a snapshot's commit message says, as JSON in ASCII. Paths are latin1 text: one char a byte. Any program in a container
 * can write such a commit: nothing of it is trusted.
 */
const schema = z.looseObject({
  /** 2 where a name is encoded that git refuses: only who knows that can restore it. */
  schema: z.union([z.literal(1), z.literal(2)]),
  instance: z.string().regex(INSTANCE_ID),
  branch: z.string().refine(isValidBranch),
  /** Commit that was checked out; null for a branch without commits. */
  head: object.nullable(),
  detached: z.boolean(),
  /** What HEAD named, if it was not detached. */
  head_ref: ref.nullable().default(null),
  /** Tip of the instance's branch, where it was deleted too. */
  branch_tip: object.nullable().default(null),
  /** Commit whose tree is the index; stages of a conflict as `<path>~<stage>`. */
  index: object.nullable().default(null),
  stages: z
    .array(
      z.object({
        mode: z.string().regex(/^\d{6}$/),
        object,
        stage: z.enum(['1', '2', '3']),
        path: z.string(),
        name: z.string(),
      }),
    )
    .default([]),
  intent_to_add: paths.default([]),
  /** Tracked files that a sparse checkout had left out. */
  left_out: paths.default([]),
  /** Files that a filter makes of what is in the tree; the others are in the tree byte for byte. */
  filtered: paths.nullable().default(null),
  /** Files that were there behind the bit. */
  skip_worktree: paths.default([]),
  assume_unchanged: paths.default([]),
  /** The worktree's own settings of a sparse checkout. */
  sparse: z
    .partialRecord(z.enum(['core.sparseCheckout', 'core.sparseCheckoutCone']), z.enum(['true', 'false']))
    .default({}),
  nested: z
    .array(
      z.looseObject({
        path: z.string(),
        head: object.nullable(),
        /** Where its git directory is in the tree; null where it was elsewhere, and stayed. */
        git: z.string().nullable().default(null),
        /** Whether it had a folder with files. */
        folder: z.boolean().default(true),
      }),
    )
    .default([]),
  /** Modes, octal, of what `modes` does not name. */
  usual_modes: z.object({ file: mode, executable: mode, folder: mode }).nullable().default(null),
  /** Folders without anything in them. */
  folders: paths.default([]),
  /** Names of one and the same file. */
  links: z.array(paths).default([]),
  /** Modes of files and folders that are not the usual ones, octal. */
  modes: z.record(z.string(), mode).default({}),
  /** Commit whose tree is the state of an unfinished rebase, merge and so on. */
  state: object.nullable().default(null),
  /** The worktree's own refs. */
  refs: z
    .record(
      z
        .string()
        .regex(/^refs\/(worktree|bisect|rewritten)\/./)
        .refine(isValidBranch),
      object,
    )
    .default({}),
  /** Why `rm` would have refused. */
  reasons: z.array(z.string()).default([]),
  ignored: z.boolean().default(false),
});

export type SnapshotMessage = z.infer<typeof schema>;

/** JSON without a char that could be taken for another one in some encoding. */
export function formatMessage(message: SnapshotMessage): string {
  return JSON.stringify(message).replaceAll(
    /[\u007f-\uffff]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Undefined where it is not one of ours. */
export function parseMessage(text: string): SnapshotMessage | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The message of a snapshot's commit. */
export async function readMessage(git: Plumbing, commit: string): Promise<SnapshotMessage | undefined> {
  const said = await git.try(['cat-file', 'commit', commit]);
  const text = said.stdout.toString('latin1');
  return said.code === 0 ? parseMessage(text.slice(text.indexOf('\n\n') + 2)) : undefined;
}

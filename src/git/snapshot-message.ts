import * as z from 'zod';
import { isValidBranch } from '../core/branch.ts';
import { INSTANCE_ID } from '../core/identifiers.ts';

const object = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
const ref = z.string().refine(name => name.startsWith('refs/') && isValidBranch(name));
const paths = z.array(z.string());

/**
 * What a snapshot's commit message says, as JSON in ASCII. Paths are latin1 text: one char a byte. Any program in a container
 * can write such a commit: nothing of it is trusted.
 */
const schema = z.looseObject({
  schema: z.literal(1),
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
  nested: z.array(z.looseObject({ path: z.string(), head: object.nullable() })).default([]),
  /** Modes that git does not keep, octal. */
  modes: z.record(z.string(), z.string().regex(/^[0-7]{1,4}$/)).default({}),
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

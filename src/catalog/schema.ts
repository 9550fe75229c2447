import * as z from 'zod';
import { CONTAINER_ID, INSTANCE_ID, MUX_ID, SESSION_ID } from '../core/identifiers.ts';
import { RFC3339 } from '../core/time.ts';
import { CATALOG_VERSION, instanceStatuses } from './types.ts';

const PLAIN = /^[^\u0000-\u001f\u007f]+$/;
/** Absolute, not the root, and no way up: what a catalog says ends up in `rm -r`. */
const FOLDER = /^\/(?!$)(?!.*\/\.\.(?:\/|$))[^\0\n]*$/;
const time = z.string().regex(RFC3339, 'is no RFC 3339 time');
const folder = z.string().regex(FOLDER, 'is no absolute path of a folder');

const sessionSchema = z.looseObject({
  id: z.string().regex(SESSION_ID, 'is no session id'),
  name: z.string().regex(PLAIN, 'is no session name'),
  type: z.string(),
  mux_session_id: z.string().regex(MUX_ID, 'is no multiplexer session id'),
  created_at: time,
  last_accessed: time,
  agent: z.string().optional(),
  ended_at: time.optional(),
  exit_code: z.number().int().optional(),
});

const hex = z.string().regex(/^[0-9a-f]{4,64}$/, 'is no commit id');
const operationSchema = z.looseObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'is no operation id'),
  kind: z.string(),
  pid: z.number().int().positive(),
  pid_start: z.string(),
  boot_id: z.string(),
  pid_ns: z.string(),
  since: time,
  deleting: z.looseObject({ snapshot: z.union([z.literal(''), hex]), branch_tip: hex.optional() }).optional(),
});

const entrySchema = z.looseObject({
  id: z.string().regex(INSTANCE_ID, 'is no instance id (8 hex digits)'),
  repo: folder,
  repo_id: z.string().regex(/^(?!\.{1,2}$)[^/\0\n]+$/, 'is no repository id'),
  branch: z.string().regex(PLAIN, 'is no branch name'),
  worktree: folder,
  container_id: z.union([z.literal(''), z.string().regex(CONTAINER_ID, 'is no container id')]),
  created_at: time,
  status: z.enum(instanceStatuses),
  sessions: z.array(sessionSchema),
  operation: operationSchema.optional(),
});

/** A version 2 catalog. Unknown fields are let through: they survive every rewrite. */
export const catalogSchema = z
  .looseObject({ version: z.literal(CATALOG_VERSION), entries: z.array(entrySchema) })
  .superRefine((catalog, context) => {
    const ids = new Set<string>();
    catalog.entries.forEach((entry, i) => {
      if (ids.has(entry.id))
        context.addIssue({
          code: 'custom',
          path: ['entries', i, 'id'],
          message: `is the id of another entry too (${entry.id})`,
        });
      ids.add(entry.id);
      const sessions = new Set<string>();
      entry.sessions.forEach((session, j) => {
        if (sessions.has(session.id)) {
          context.addIssue({
            code: 'custom',
            path: ['entries', i, 'sessions', j, 'id'],
            message: `is the id of another session too (${session.id})`,
          });
        }
        sessions.add(session.id);
      });
    });
  });

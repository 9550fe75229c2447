import { CONTAINER_ID, INSTANCE_ID, MUX_ID, SESSION_ID } from '../core/identifiers.ts';
import { RFC3339 } from '../core/time.ts';
import { CATALOG_VERSION, instanceStatuses, type Catalog } from './types.ts';

/**
 * The schema by hand: the same answer as `catalogSchema` in a millisecond instead of fifteen, most of which is loading zod. A
 * property test keeps the two alike. Where this says no, the schema is loaded to say why.
 */
export function isCatalog(value: unknown): value is Catalog {
  if (!isObject(value) || value['version'] !== CATALOG_VERSION || !Array.isArray(value['entries']))
    return false;
  return distinct(value['entries'], isEntry);
}

type Loose = Record<string, unknown>;

function isObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function distinct(items: readonly unknown[], valid: (item: Loose) => boolean): boolean {
  const ids = new Set<unknown>();
  for (const item of items) {
    if (!isObject(item) || !valid(item) || ids.has(item['id'])) return false;
    ids.add(item['id']);
  }
  return true;
}

const text = (value: unknown): value is string => typeof value === 'string';
const like = (value: unknown, pattern: RegExp): boolean => text(value) && pattern.test(value);
const time = (value: unknown): boolean => like(value, RFC3339);
const absent = (value: unknown): boolean => value === undefined;

const plain = (value: unknown): boolean => like(value, /^[^\u0000-\u001f\u007f]+$/);
const folder = (value: unknown): boolean => like(value, /^\/(?!$)(?!.*\/\.\.(?:\/|$))[^\0\n]*$/);

function isEntry(entry: Loose): boolean {
  return (
    like(entry['id'], INSTANCE_ID) &&
    folder(entry['repo']) &&
    like(entry['repo_id'], /^(?!\.{1,2}$)[^/\0\n]+$/) &&
    plain(entry['branch']) &&
    folder(entry['worktree']) &&
    (entry['container_id'] === '' || like(entry['container_id'], CONTAINER_ID)) &&
    time(entry['created_at']) &&
    (instanceStatuses as readonly unknown[]).includes(entry['status']) &&
    Array.isArray(entry['sessions']) &&
    distinct(entry['sessions'], isSession) &&
    (absent(entry['operation']) || isOperation(entry['operation']))
  );
}

function isSession(session: Loose): boolean {
  return (
    like(session['id'], SESSION_ID) &&
    plain(session['name']) &&
    text(session['type']) &&
    like(session['mux_session_id'], MUX_ID) &&
    time(session['created_at']) &&
    time(session['last_accessed']) &&
    (absent(session['agent']) || text(session['agent'])) &&
    (absent(session['ended_at']) || time(session['ended_at'])) &&
    (absent(session['exit_code']) || Number.isSafeInteger(session['exit_code']))
  );
}

function isOperation(operation: unknown): boolean {
  if (!isObject(operation)) return false;
  const { deleting } = operation;
  return (
    like(operation['id'], /^[A-Za-z0-9_-]{1,64}$/) &&
    text(operation['kind']) &&
    Number.isSafeInteger(operation['pid']) &&
    Number(operation['pid']) > 0 &&
    text(operation['pid_start']) &&
    text(operation['boot_id']) &&
    text(operation['pid_ns']) &&
    time(operation['since']) &&
    (absent(deleting) ||
      (isObject(deleting) &&
        (deleting['snapshot'] === '' || like(deleting['snapshot'], /^[0-9a-f]{4,64}$/)) &&
        (absent(deleting['branch_tip']) || like(deleting['branch_tip'], /^[0-9a-f]{4,64}$/))))
  );
}

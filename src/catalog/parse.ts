import { isUtf8 } from 'node:buffer';
import { migrateV1ToV2 } from '../../migrations/v1-to-v2.ts';
import { HeadjackError, messageOf } from '../errors.ts';
import { isCatalog } from './guard.ts';
import { CATALOG_VERSION, type Catalog } from './types.ts';

export interface ParsedCatalog {
  readonly catalog: Catalog;
  /** The version that the text was written in. */
  readonly version: number;
}

/** From each version to the next. */
const migrations: Readonly<Record<number, (document: Record<string, unknown>) => Record<string, unknown>>> = {
  1: migrateV1ToV2,
};

/**
 * Reads the bytes of a catalog of any known version, in memory migrated to the current one.
 * @throws HeadjackError catalog_damaged, catalog_foreign, catalog_too_new or catalog_invalid; `file` is named in it
 */
export async function parseCatalog(bytes: Buffer, file: string): Promise<ParsedCatalog> {
  let document: unknown;
  try {
    if (!isUtf8(bytes)) throw new Error('it is no UTF-8 text');
    document = JSON.parse(bytes.toString('utf8', bytes[0] === 0xef ? 3 : 0)); // without a byte order mark
  } catch (error) {
    throw new HeadjackError('catalog_damaged', `${file} is damaged: ${messageOf(error)}`, {
      hint: 'restore the file from a backup, or move it away to start with an empty catalog',
      cause: error,
    });
  }
  if (!isDocument(document)) {
    throw new HeadjackError(
      'catalog_foreign',
      `${file} is no headjack catalog: it has no version and entries`,
      {
        hint: 'name another file with --catalog or HEADJACK_CATALOG, or move this one away',
      },
    );
  }
  const version = document['version'];
  if (version > CATALOG_VERSION) {
    throw new HeadjackError(
      'catalog_too_new',
      `${file} is of version ${String(version)}; this headjack knows versions up to ${String(CATALOG_VERSION)}`,
      {
        hint: 'install a newer headjack',
      },
    );
  }
  let current: Record<string, unknown> = document;
  for (let from = version; from < CATALOG_VERSION; from++) current = migrations[from]?.(current) ?? current;
  const usable = withSessionLists(current);
  if (isCatalog(usable)) return { catalog: usable, version };
  throw await invalid(usable, file);
}

function isDocument(value: unknown): value is Record<string, unknown> & { version: number } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  if (!('version' in value) || !Number.isSafeInteger(value.version) || Number(value.version) < 1)
    return false;
  if (Number(value.version) > CATALOG_VERSION) return true; // whatever a later version looks like
  return 'entries' in value && (Array.isArray(value.entries) || value.entries === null);
}

/** Go writes an empty list as null. */
function withSessionLists(document: Record<string, unknown>): Record<string, unknown> {
  const entries = (document['entries'] ?? []) as unknown[];
  const isNull = (entry: unknown): entry is object =>
    typeof entry === 'object' && entry !== null && 'sessions' in entry && entry.sessions === null;
  if (document['entries'] !== null && !entries.some(isNull)) return document;
  return { ...document, entries: entries.map(entry => (isNull(entry) ? { ...entry, sessions: [] } : entry)) };
}

async function invalid(document: unknown, file: string): Promise<HeadjackError> {
  const { catalogSchema } = await import('./schema.ts');
  const result = catalogSchema.safeParse(document);
  const problems = (result.error?.issues ?? []).map(
    issue => `${issue.path.map(String).join('.')}: ${issue.message}`,
  );
  const more = problems.length > 1 ? ` (and ${String(problems.length - 1)} more)` : '';
  return new HeadjackError(
    'catalog_invalid',
    `${file} cannot be trusted: ${problems[0] ?? 'unknown reason'}${more}`,
    {
      details: problems,
      hint: 'correct the entry, or restore the file from a backup',
    },
  );
}

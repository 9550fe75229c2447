/**
 * Version 1 → 2: every entry gets its list of sessions. Frozen: released migrations are never edited.
 * Takes and gives the parsed document; unknown fields stay where they are.
 */
export function migrateV1ToV2(document: Record<string, unknown>): Record<string, unknown> {
  const entries = Array.isArray(document['entries']) ? (document['entries'] as unknown[]) : [];
  return {
    ...document,
    version: 2,
    entries: entries.map(entry =>
      typeof entry === 'object' && entry !== null && !Array.isArray(entry) && !('sessions' in entry)
        ? { ...entry, sessions: [] }
        : entry,
    ),
  };
}

export interface ScopedSetting {
  /** system, global, local, worktree or command. */
  readonly scope: string;
  readonly key: string;
  readonly value: string;
}

/** Parses `git config --show-scope -z --get-regexp …`: `scope NUL key LF value NUL …`. */
export function parseScopedConfig(output: string): ScopedSetting[] {
  const fields = output.split('\0');
  const settings: ScopedSetting[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [key = '', ...value] = (fields[i + 1] ?? '').split('\n');
    // one that is written without a value is true
    settings.push({ scope: fields[i] ?? '', key, value: value.length === 0 ? 'true' : value.join('\n') });
  }
  return settings;
}

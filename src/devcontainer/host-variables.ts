import { isRecord } from './config.ts';

/** What a user reads, and approves, of a variable of this machine. */
export function variableReach(name: string): string {
  return `variable ${name}: its value here is passed on`;
}

/** The variables that approved lines name. */
export function approvedVariables(lines: readonly string[]): string[] {
  return lines.flatMap(line => /(?:^|: )variable ([^\s:]+): its value here/.exec(line)?.[1] ?? []);
}

/**
 * Variables that a configuration reads here wherever it stands in it: `${localEnv:X}`, `${env:X}`, with a default or without. It is asked of
 * the parsed value: in a text, escapes could hide one.
 */
export function findLocalVariables(value: unknown): string[] {
  if (typeof value === 'string')
    return [...value.matchAll(/\$\{\s*(?:localEnv|env)\s*:([^}:]*)/gi)].map(([, name]) => name?.trim() ?? '');
  if (Array.isArray(value)) return value.flatMap(findLocalVariables);
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    ...findLocalVariables(key),
    ...findLocalVariables(item),
  ]);
}

/** The same of a label's text, as images carry it. What is no JSON is searched as it is. */
export function findLabelVariables(label: string): string[] {
  try {
    return findLocalVariables(JSON.parse(label) as unknown);
  } catch {
    return findLocalVariables(label);
  }
}

/** Variables that compose puts into a text as it reads it: `$NAME`, `${NAME}`, `${NAME:-default}`. */
export function composeVariables(text: string): string[] {
  return [...text.replaceAll('$$', '').matchAll(/\$\{?\s*([A-Za-z_][A-Za-z0-9_]*)/g)].map(
    ([, name]) => name ?? '',
  );
}

/** Variables that a file of variables takes from here: a name without a value, or one in a value. */
export function environmentFileVariables(text: string): string[] {
  const bare = text
    .split(/\r?\n/)
    .map(line => line.trim().replace(/^export\s+/, ''))
    .filter(line => /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(line));
  // between single quotes everything stands for itself
  return [...bare, ...composeVariables(text.replace(/^\s*#.*$/gm, '').replace(/'[^'\n]*'/g, ''))];
}

/** What programs need of the caller's environment to find the engine, registries and themselves. */
const needed =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TERM|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|XDG_RUNTIME_DIR|XDG_CONFIG_HOME|XDG_DATA_HOME|XDG_CACHE_HOME|DOCKER_(HOST|CONFIG|CONTEXT|CERT_PATH|TLS|TLS_VERIFY|API_VERSION|BUILDKIT|DEFAULT_PLATFORM|CONTENT_TRUST)|BUILDKIT_(HOST|PROGRESS)|BUILDX_(BUILDER|CONFIG)|COMPOSE_(HTTP_TIMEOUT|PARALLEL_LIMIT|DOCKER_CLI_BUILD|PROFILES|PROGRESS|BAKE)|CONTAINER_HOST|CONTAINERS_(CONF|REGISTRIES_CONF|STORAGE_CONF)|REGISTRY_AUTH_FILE|(HTTPS?|NO|ALL|FTP)_PROXY|(https?|no|all|ftp)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS)$/;

/** The caller's environment for what reads a branch's files: besides what programs need, the approved variables alone. */
export function approvedEnvironment(
  env: NodeJS.ProcessEnv,
  approved: readonly string[],
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && (needed.test(name) || approved.includes(name))) kept[name] = value;
  return kept;
}

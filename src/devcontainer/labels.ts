import { isRecord } from './config.ts';

/** By them hjk and compose find what is theirs: whoever gives himself one poses as another instance's. */
const reserved = /^(dev\.headjack\.|com\.docker\.compose\.|io\.podman\.compose\.)/;

/** What a label reaches, as `name=value` or its name alone. */
export function labelReach(label: string): string | undefined {
  return reserved.test(label) ? `label ${label}: by it hjk and compose tell whose something is` : undefined;
}

/** The same of labels as a list or a map. */
export function labelReaches(labels: unknown): string[] {
  const all = isRecord(labels)
    ? Object.entries(labels).map(([name, value]) => `${name}=${String(value)}`)
    : Array.isArray(labels)
      ? labels.map(item => String(item))
      : [];
  return all.flatMap(label => labelReach(label) ?? []);
}

/** The labels are the truth for what exists; the catalog is the truth for what is meant. */
const prefix = 'dev.headjack.';

export interface InstanceLabels {
  readonly instance: string;
  readonly repo: string;
  readonly branch: string;
  readonly worktree: string;
  readonly owner: string;
}

export function formatLabels(labels: InstanceLabels): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [prefix + key, value as string]));
}

export function isOurs(labels: Readonly<Record<string, string>>, instance: string, owner: string): boolean {
  return labels[`${prefix}instance`] === instance && labels[`${prefix}owner`] === owner;
}

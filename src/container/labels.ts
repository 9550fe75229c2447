import { INSTANCE_ID } from '../core/identifiers.ts';

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

/** The labels of a container of this state root, or undefined where it is none, or has not all of them. */
export function parseLabels(
  labels: Readonly<Record<string, string>>,
  owner: string,
): InstanceLabels | undefined {
  const value = (name: keyof InstanceLabels): string => labels[prefix + name] ?? '';
  if (value('owner') !== owner || !INSTANCE_ID.test(value('instance'))) return undefined;
  const [repo, branch, worktree] = [value('repo'), value('branch'), value('worktree')];
  if (!repo.startsWith('/') || !worktree.startsWith('/') || branch === '') return undefined;
  return { instance: value('instance'), repo, branch, worktree, owner };
}

/** Labels of a container that only lives while its image is looked into by process `pid`. */
export function formatProbeLabels(owner: string, pid: string): Record<string, string> {
  return { [`${prefix}owner`]: owner, [`${prefix}probe`]: pid };
}

/** Who made a probe of ours, or undefined where it is none. */
export function probeMaker(labels: Readonly<Record<string, string>>, owner: string): string | undefined {
  return labels[`${prefix}owner`] === owner ? labels[`${prefix}probe`] : undefined;
}

export function isOurs(labels: Readonly<Record<string, string>>, instance: string, owner: string): boolean {
  return labels[`${prefix}instance`] === instance && labels[`${prefix}owner`] === owner;
}

/** Label of what a compose project has beside the dev container: whose instance it belongs to. */
export const PART_LABEL = `${prefix}part`;

export function isPart(labels: Readonly<Record<string, string>>, instance: string, owner: string): boolean {
  return labels[PART_LABEL] === instance && labels[`${prefix}owner`] === owner;
}

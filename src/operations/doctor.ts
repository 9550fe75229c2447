import { HeadjackError, messageOf } from '../errors.ts';
import { judgeEntries } from './reconcile/entries.ts';
import { found, type Finding, type Found, type Repair } from './reconcile/finding.ts';
import { judgeInstallation } from './reconcile/installation.ts';
import { judgeLeftovers } from './reconcile/leftovers.ts';
import { judgeOrphans } from './reconcile/orphans.ts';
import { judgePrograms } from './reconcile/programs.ts';
import { observe } from './reconcile/world.ts';
import type { Services } from './services.ts';

export interface DoctorOptions {
  /** Do what is automatic, and what the user decided. */
  readonly fix: boolean;
  /** Say what `fix` would do. */
  readonly dryRun: boolean;
  /** Ids of findings that the user decided about. */
  readonly adopt: readonly string[];
  readonly remove: readonly string[];
  /** Keys of config.yaml that nothing reads. */
  readonly unknownKeys: readonly string[];
}

export interface Diagnosis extends Finding {
  /** `open`: it is left; `planned`: `--dry-run` says that `--fix` would do it. */
  readonly state: 'open' | 'planned' | 'fixed' | 'failed';
  readonly error: string | undefined;
}

/** How often everything is looked at anew after a repair: one may bring another to light. */
const ROUNDS = 3;

/**
 * Finds what does not agree among catalog, git, engine, terminals and files, and repairs it. What could lose work is done only
 * where the user named it.
 * @throws HeadjackError usage for an id that no finding has
 */
export async function diagnose(services: Services, options: DoctorOptions): Promise<Diagnosis[]> {
  const done: Diagnosis[] = [];
  let all = await examine(services, options);
  requireIds(all, options);
  for (let round = 0; options.fix && round < ROUNDS; round++) {
    const before = done.length;
    for (const item of all) {
      const repair = chooseRepair(item, options);
      if (repair === undefined || done.some(d => d.state === 'failed' && isSame(d, item))) continue;
      services.progress.phase(`${item.code} ${item.subject}`);
      if (options.dryRun) done.push({ ...plain(item), state: 'planned', error: undefined });
      else done.push(await apply(item, repair));
    }
    if (options.dryRun || done.length === before) break;
    all = await examine(services, options);
  }
  services.progress.done();
  const open = all.filter(item => !done.some(d => isSame(d, item) && d.state !== 'fixed'));
  return [...done, ...open.map(item => ({ ...plain(item), state: 'open' as const, error: undefined }))];
}

async function examine(services: Services, options: DoctorOptions): Promise<Found[]> {
  const config = options.unknownKeys.map(key =>
    found({
      code: 'config-invalid',
      severity: 'note',
      subject: key,
      repair: 'remove it, or mend its name: hjk config --edit',
    }),
  );
  let world: Awaited<ReturnType<typeof observe>>;
  try {
    world = await observe(services);
  } catch (error) {
    if (!(error instanceof HeadjackError) || error.exitCode !== 9) throw error;
    // nothing can be compared with a catalog that cannot be read, and nothing is touched
    const damaged = found({
      code: 'catalog-unusable',
      subject: error.message,
      evidence: Array.isArray(error.details) ? error.details.map(String) : [],
      repair: error.hint ?? 'put a backup in its place',
    });
    return [...(await judgeInstallation(services, undefined).catch(() => [])), ...config, damaged];
  }
  const orphans = judgeOrphans(services, world);
  return [
    ...(await judgeInstallation(services, world.engineError)),
    ...config,
    ...(await judgeEntries(services, world)),
    ...(await judgePrograms(services, world)),
    ...orphans,
    // without the engine it is not known what still has an owner
    ...(world.containers === undefined
      ? []
      : await judgeLeftovers(services, world, new Set(orphans.map(o => o.id)))),
  ];
}

function requireIds(all: readonly Found[], options: DoctorOptions): void {
  for (const choice of ['adopt', 'remove'] as const) {
    for (const id of options[choice]) {
      if (all.some(item => item.id === id && item[choice] !== undefined)) continue;
      const may = all.filter(item => item[choice] !== undefined).map(item => item.id);
      throw new HeadjackError('usage', `--${choice} ${id}: nothing of that id is to be decided`, {
        hint: may.length === 0 ? 'hjk doctor lists what was found' : `one of: ${may.join(', ')}`,
      });
    }
  }
}

function chooseRepair(item: Found, options: DoctorOptions): Repair | undefined {
  if (options.adopt.includes(item.id) && item.adopt !== undefined) return item.adopt;
  if (options.remove.includes(item.id) && item.remove !== undefined) return item.remove;
  return item.fix;
}

async function apply(item: Found, repair: Repair): Promise<Diagnosis> {
  try {
    await repair();
    return { ...plain(item), state: 'fixed', error: undefined };
  } catch (error) {
    const hint = error instanceof HeadjackError && error.hint !== undefined ? `; ${error.hint}` : '';
    return { ...plain(item), state: 'failed', error: `${messageOf(error)}${hint}` };
  }
}

function isSame(a: Finding, b: Finding): boolean {
  return a.code === b.code && a.subject === b.subject && a.id === b.id;
}

function plain(item: Found): Finding {
  const { code, severity, subject, id, evidence, repair, risk, automatic, choices } = item;
  return { code, severity, subject, id, evidence, repair, risk, automatic, choices };
}

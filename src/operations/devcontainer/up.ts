import fs from 'node:fs';
import type { ContainerUser } from '../../container/user.ts';
import { readWorktree } from '../../devcontainer/branch-files.ts';
import type { Outcome } from '../../devcontainer/program.ts';
import type { Repository } from '../../core/repository.ts';
import { HeadjackError, messageOf } from '../../errors.ts';
import { makeScratch } from '../../process/scratch.ts';
import type { BuiltInstanceSpec, DevcontainerSpec } from '../instance-spec.ts';
import type { ContainerOrder } from '../make-container.ts';
import { planContainer } from '../make-container.ts';
import { throwIfInterrupted, type Claim } from '../operation.ts';
import type { Services } from '../services.ts';
import { removeImages } from './clean.ts';
import { createContainerMaker, type ContainerMaker } from './container-maker.ts';
import { FEATURE_CONTENT } from './feature-content.ts';
import { findDevcontainer, type Devcontainer } from './find.ts';
import { isRootExec, isRootStrange } from './root-programs.ts';
import { runCli } from './run-cli.ts';
import { requireTrust } from './trust.ts';

/** What a container that the devcontainer CLI brought up is. */
export interface BroughtUp {
  readonly id: string;
  readonly user: ContainerUser;
  readonly devcontainer: DevcontainerSpec;
}

/**
 * Brings up the container of a devcontainer.json: the devcontainer CLI reads it, builds, and runs its commands; each container is
 * made by us, as the CLI asks for it, with what every instance has, recorded before it starts. Order: the files in the worktree are
 * the approved ones → build → container made, recorded, started → lifecycle commands. A failure removes all of it.
 * @throws HeadjackError untrusted, devcontainer_missing, devcontainer_invalid, devcontainer_failed
 */
export async function upDevcontainer(
  services: Services,
  held: Claim,
  order: ContainerOrder,
  spec: BuiltInstanceSpec,
): Promise<BroughtUp> {
  const { entry } = held;
  const found = await findApproved(services, held, order.repository, spec.devcontainer.file);
  const scratch = makeScratch();
  let maker: ContainerMaker | undefined;
  try {
    services.progress.phase('dev container');
    const plan = await planContainer(services, order, spec);
    maker = createContainerMaker(services, held, { found, plan, order, scratch });
    const { answer } = maker;
    const args = ['up', ...upArguments(found)] as const;
    const { outcome, failure } = await runCli(services, {
      found,
      held,
      repository: order.repository,
      scratch,
      args,
      answer,
    });
    if (maker.refusal !== undefined) throw maker.refusal;
    const { made } = maker;
    if (failure !== undefined) throw failure;
    if (made === undefined)
      throw new HeadjackError('devcontainer_failed', 'the devcontainer CLI made no container', {
        hint: 'is another version of it on the PATH? hjk devcontainer status',
      });
    await removeImages(services, entry, tag => tag.includes(FEATURE_CONTENT)).catch(() => undefined);
    return { ...made, devcontainer: { ...made.devcontainer, env: remoteEnvironment(outcome) } };
  } catch (error) {
    await maker?.undo().catch(() => undefined); // the engine is gone, or another hjk took over
    await removeImages(services, entry).catch(() => undefined);
    throw error;
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/** The devcontainer.json that an instance is made of, as its worktree has it. @throws HeadjackError devcontainer_invalid, untrusted */
async function findApproved(
  services: Services,
  { entry }: Claim,
  repository: Repository,
  file: string,
): Promise<Devcontainer> {
  const found = await findDevcontainer(readWorktree(entry.worktree), file);
  requireTrust(services, repository, entry.branch, found);
  return found;
}

/**
 * The commands that a dev container runs whenever it is started, in one that just was. What fails there is told and no more: a user
 * has to get in to correct it. Of a file that was changed and is not approved none is run: it could pass on variables of this machine.
 */
export async function runStartCommands(
  services: Services,
  at: {
    readonly held: Claim;
    readonly repository: Repository;
    readonly spec: BuiltInstanceSpec;
    readonly container: string;
  },
): Promise<void> {
  const { held } = at;
  services.progress.phase('start commands');
  const scratch = makeScratch();
  try {
    const found = await findApproved(services, held, at.repository, at.spec.devcontainer.file);
    // programs that are root by approval are the instance's own
    const withoutRoot = at.spec.user?.startsWith('0:') !== true && (await isRootStrange(services));
    const args = ['run-user-commands', '--container-id', at.container] as const;
    const { failure } = await runCli(services, {
      found,
      held,
      repository: at.repository,
      scratch,
      args,
      answer: ({ program, args: words }) =>
        Promise.resolve(
          program === 'engine' && words[0] === 'exec' && !(withoutRoot && isRootExec(words))
            ? { run: [...services.engineCommand(), ...words] }
            : { refuse: `not while an instance starts: ${words.join(' ')}` },
        ),
    });
    if (failure !== undefined) throw failure;
  } catch (error) {
    throwIfInterrupted(services);
    services.progress.note(`Warning: start commands of the dev container: ${messageOf(error)}`);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

function upArguments(found: Devcontainer): string[] {
  return [
    // the programs' ids are ours to see to, as in every instance
    '--update-remote-user-uid-default',
    'never',
    '--include-merged-configuration',
    // one would be a change of the branch
    ...(found.content.files.some(file => /(^|\/)\.?devcontainer-lock\.json$/.test(file.path))
      ? []
      : ['--no-lockfile']),
  ];
}

function remoteEnvironment(outcome: Outcome): Record<string, string> {
  const given = outcome.mergedConfiguration?.['remoteEnv'];
  return Object.fromEntries(
    Object.entries((given ?? {}) as Record<string, unknown>).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string',
    ),
  );
}

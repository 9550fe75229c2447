import fs from 'node:fs';
import path from 'node:path';
import type { ContainerUser } from '../../container/user.ts';
import { openGate } from '../../devcontainer/gate.ts';
import { hardeningOptions, requireProgram, runProgram, type Outcome } from '../../devcontainer/program.ts';
import type { Repository } from '../../core/repository.ts';
import { HeadjackError, messageOf } from '../../errors.ts';
import { gitEnvironment } from '../../git/environment.ts';
import { realPathOf } from '../../process/files.ts';
import { makeScratch } from '../../process/scratch.ts';
import { OPERATION_VARIABLE } from '../../process/by-environment.ts';
import type { DevcontainerSpec, InstanceSpec } from '../instance-spec.ts';
import type { ContainerOrder } from '../make-container.ts';
import { planContainer } from '../make-container.ts';
import { throwIfInterrupted, type Claim } from '../operation.ts';
import type { Services } from '../services.ts';
import { removeImages } from './clean.ts';
import { findDevcontainer, type Devcontainer } from './find.ts';
import { readWorktree } from '../../devcontainer/branch-files.ts';
import { createContainerMaker, type ContainerMaker } from './container-maker.ts';
import { FEATURE_CONTENT } from './feature-content.ts';
import { projectOf } from './compose-project.ts';
import { idLabels } from './resolved.ts';
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
  spec: InstanceSpec,
): Promise<BroughtUp> {
  const { entry } = held;
  const found = await findDevcontainer(readWorktree(entry.worktree));
  if (found === undefined)
    throw new HeadjackError('devcontainer_invalid', `${entry.worktree} has no devcontainer.json any more`, {
      hint: `hjk recreate ${entry.branch} --image <ref>`,
    });
  requireTrust(services, order.repository, entry.branch, found);
  const program = requireProgram(services.devcontainer, found.content.file);
  const scratch = makeScratch();
  let maker: ContainerMaker | undefined;
  try {
    services.progress.phase('dev container');
    const plan = await planContainer(services, order, spec);
    const answering = createContainerMaker(services, held, { found, plan, order, scratch });
    maker = answering;
    await using gate = await openGate(scratch, services.devcontainer.shim, answering.answer);
    const env = programEnvironment(services, { scratch, operation: held.operation.id, instance: entry.id });
    const ran = await runProgram(
      program.file,
      [
        ...upArguments(services, found, { scratch, worktree: plan.worktree, instance: entry.id, gate }),
        ...(await hardeningOptions(program.file, env)),
      ],
      {
        cwd: plan.worktree,
        env,
        signal: services.signal,
        tell: line => {
          services.progress.update(line.slice(0, 100));
        },
      },
    );
    throwIfInterrupted(services);
    if (answering.refusal !== undefined) throw answering.refusal;
    const { made } = answering;
    if (ran.outcome?.outcome !== 'success' || made === undefined)
      throw explainFailure(found, ran.outcome, ran.log);
    await removeImages(services, entry, tag => tag.includes(FEATURE_CONTENT)).catch(() => undefined);
    return { ...made, devcontainer: { ...made.devcontainer, env: remoteEnvironment(ran.outcome) } };
  } catch (error) {
    await maker?.undo().catch(() => undefined); // the engine is gone, or another hjk took over
    await removeImages(services, entry).catch(() => undefined);
    throw error;
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * The commands that a dev container runs whenever it is started, in one that just was. What fails there is told and no more: a user
 * has to get in to correct it. Of a file that was changed and is not approved none is run: it could pass on variables of this machine.
 */
export async function runStartCommands(
  services: Services,
  at: { readonly held: Claim; readonly repository: Repository; readonly container: string },
): Promise<void> {
  services.progress.phase('start commands');
  try {
    await runUserCommands(services, at);
  } catch (error) {
    throwIfInterrupted(services);
    services.progress.note(`Warning: no start commands were run: ${messageOf(error)}`);
  }
}

async function runUserCommands(
  services: Services,
  at: { readonly held: Claim; readonly repository: Repository; readonly container: string },
): Promise<void> {
  const { entry, operation } = at.held;
  const found = await findDevcontainer(readWorktree(entry.worktree));
  if (found === undefined) return;
  requireTrust(services, at.repository, entry.branch, found);
  const program = requireProgram(services.devcontainer, found.content.file);
  const scratch = makeScratch();
  try {
    await using gate = await openGate(scratch, services.devcontainer.shim, call =>
      Promise.resolve(
        call.program === 'engine' &&
          /^(exec|inspect|ps|version|-v|buildx|info|events)$/.test(call.args[0] ?? '')
          ? { run: [...services.engineCommand(), ...call.args] }
          : { refuse: `not while an instance starts: ${call.args.join(' ')}` },
      ),
    );
    const place = { scratch, worktree: realPathOf(entry.worktree), instance: entry.id, gate };
    const ran = await runProgram(
      program.file,
      ['run-user-commands', ...commonArguments(services, found, place), '--container-id', at.container],
      {
        cwd: entry.worktree,
        env: programEnvironment(services, { scratch, operation: operation.id, instance: entry.id }),
        signal: services.signal,
        tell: line => {
          services.progress.update(line.slice(0, 100));
        },
      },
    );
    if (ran.outcome?.outcome !== 'success') throw explainFailure(found, ran.outcome, ran.log);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

interface Place {
  readonly scratch: string;
  readonly worktree: string;
  readonly instance: string;
  readonly gate: { readonly enginePath: string; readonly composePath: string };
}

function upArguments(services: Services, found: Devcontainer, place: Place): string[] {
  return [
    'up',
    ...commonArguments(services, found, place),
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

/** The configuration is handed over as it was judged: what lies in the worktree may change meanwhile. */
function commonArguments(services: Services, found: Devcontainer, place: Place): string[] {
  const { scratch, worktree, gate, instance } = place;
  const override = path.join(scratch, 'devcontainer.json');
  const mount = { workspaceMount: `type=bind,source=${worktree},target=${worktree}` };
  const composed = 'dockerComposeFile' in found.config;
  fs.writeFileSync(
    override,
    JSON.stringify({ ...found.config, workspaceFolder: worktree, ...(composed ? {} : mount) }),
  );
  return [
    '--workspace-folder',
    worktree,
    '--config',
    path.join(worktree, found.content.file),
    '--override-config',
    override,
    '--docker-path',
    gate.enginePath,
    '--docker-compose-path',
    gate.composePath,
    '--mount-workspace-git-root',
    'false',
    '--user-data-folder',
    path.join(scratch, 'data'),
    // without them the CLI would take what the image says and what the file says for two things
    ...Object.entries(idLabels(services, instance)).flatMap(([name, value]) => [
      '--id-label',
      `${name}=${value}`,
    ]),
  ];
}

/** The caller's environment without what is ours or git's, and a folder for all that the CLI leaves lying about. */
function programEnvironment(
  services: Services,
  at: { readonly scratch: string; readonly operation: string; readonly instance: string },
): NodeJS.ProcessEnv {
  const temp = path.join(at.scratch, 'tmp');
  fs.mkdirSync(temp, { recursive: true });
  return {
    ...gitEnvironment(services.env),
    LC_ALL: services.env['LC_ALL'],
    LANGUAGE: services.env['LANGUAGE'],
    TMPDIR: temp,
    COMPOSE_PROJECT_NAME: projectOf(at.instance),
    [OPERATION_VARIABLE]: at.operation,
  };
}

function remoteEnvironment(outcome: Outcome): Record<string, string> {
  const given = outcome.mergedConfiguration?.['remoteEnv'];
  return Object.fromEntries(
    Object.entries((given ?? {}) as Record<string, unknown>).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string',
    ),
  );
}

function explainFailure(
  found: Devcontainer,
  outcome: Outcome | undefined,
  log: readonly string[],
): HeadjackError {
  const said = [outcome?.description, outcome?.message].filter(text => text !== undefined && text !== '');
  const lines = log.map(line => line.replace(/^\[\d+ ms\] /, '')).filter(line => !/^\s+at /.test(line));
  const sudo = lines.some(line => /no new privileges/i.test(line));
  return new HeadjackError(
    'devcontainer_failed',
    `${found.content.file}: ${said[0] ?? 'the devcontainer CLI failed'}`,
    {
      details: [...said.slice(1), ...lines.slice(-12)],
      hint: sudo
        ? 'sudo is off in instances; to allow it: "securityOpt": ["no-new-privileges=false"], then hjk trust'
        : 'correct it and try again, or do without it: --image <ref>',
    },
  );
}

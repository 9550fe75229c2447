import path from 'node:path';
import fs from 'node:fs';
import { openGate, type Answer, type EngineCall } from '../../devcontainer/gate.ts';
import { hardeningOptions, requireProgram, runProgram, type Outcome } from '../../devcontainer/program.ts';
import { HeadjackError } from '../../errors.ts';
import { withoutGitVariables } from '../../git/environment.ts';
import { HELPER_VARIABLE, OPERATION_VARIABLE } from '../../process/by-environment.ts';
import { realPathOf } from '../../process/files.ts';
import { throwIfInterrupted, type Claim } from '../operation.ts';
import type { Services } from '../services.ts';
import { projectOf } from './compose-project.ts';
import type { Devcontainer } from './find.ts';
import { idLabels } from './resolved.ts';

/** A call of the devcontainer CLI for an instance. */
export interface CliCall {
  readonly found: Devcontainer;
  readonly held: Claim;
  /** A private folder for as long as it runs. */
  readonly scratch: string;
  readonly args: readonly ['up' | 'run-user-commands', ...string[]];
  /** What the engine's program is to do where the CLI calls it. */
  readonly answer: (call: EngineCall) => Promise<Answer>;
}

/**
 * Runs the devcontainer CLI to its end, with our gate in the place of the engine's program.
 * @returns what it said; undefined, and why, where it failed
 * @throws HeadjackError devcontainer_missing, interrupted
 */
export async function runCli(
  services: Services,
  call: CliCall,
): Promise<{ outcome: Outcome; failure?: undefined } | { outcome?: undefined; failure: HeadjackError }> {
  const { found, held, scratch } = call;
  const [verb, ...own] = call.args;
  const worktree = realPathOf(held.entry.worktree);
  const { file } = requireProgram(services.devcontainer, found.content.file);
  await using gate = await openGate(scratch, {
    shim: services.devcontainer.shim,
    engineCommand: services.engineCommand(),
    answer: call.answer,
  });
  const env = programEnvironment(services, call);
  const args = [
    verb,
    '--workspace-folder',
    worktree,
    '--config',
    path.join(worktree, found.content.file),
    '--override-config',
    writeConfig(found, worktree, scratch),
    '--docker-path',
    gate.enginePath,
    '--docker-compose-path',
    gate.composePath,
    '--mount-workspace-git-root',
    'false',
    '--user-data-folder',
    path.join(scratch, 'data'),
    // without them the CLI would take what the image says and what the file says for two things
    ...Object.entries(idLabels(services, held.entry.id)).flatMap(([name, value]) => [
      '--id-label',
      `${name}=${value}`,
    ]),
    ...own,
    ...(verb === 'up' ? await hardeningOptions(file, env) : []),
  ];
  const tell = (line: string): void => {
    services.progress.update(line.slice(0, 100));
  };
  const ran = await runProgram(file, args, { cwd: worktree, env, signal: services.signal, tell });
  throwIfInterrupted(services);
  return ran.outcome?.outcome === 'success'
    ? { outcome: ran.outcome }
    : { failure: explainFailure(found, ran.outcome, ran.log) };
}

/** The configuration is handed over as it was judged: what lies in the worktree may change meanwhile. */
function writeConfig(found: Devcontainer, worktree: string, scratch: string): string {
  const override = path.join(scratch, 'devcontainer.json');
  const mount = { workspaceMount: `type=bind,source=${worktree},target=${worktree}` };
  const composed = 'dockerComposeFile' in found.config;
  fs.writeFileSync(
    override,
    JSON.stringify({ ...found.config, workspaceFolder: worktree, ...(composed ? {} : mount) }),
  );
  return override;
}

/** The caller's environment without what is ours or git's, and a folder for all that the CLI leaves lying about. */
function programEnvironment(services: Services, { scratch, held }: CliCall): NodeJS.ProcessEnv {
  const temp = path.join(scratch, 'tmp');
  fs.mkdirSync(temp, { recursive: true });
  return {
    ...withoutGitVariables(services.env),
    GIT_TERMINAL_PROMPT: '0',
    TMPDIR: temp,
    COMPOSE_PROJECT_NAME: projectOf(held.entry.id),
    [OPERATION_VARIABLE]: held.operation.id,
    [HELPER_VARIABLE]: held.operation.id,
  };
}

function explainFailure(
  found: Devcontainer,
  outcome: Outcome | undefined,
  log: readonly string[],
): HeadjackError {
  const said = [outcome?.description, outcome?.message].filter(text => text !== undefined && text !== '');
  const lines = log.filter(line => !/^\s+at /.test(line));
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

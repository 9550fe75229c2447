import path from 'node:path';
import fs from 'node:fs';
import { openGate, type Answer, type EngineCall } from '../../devcontainer/gate.ts';
import { hardeningOptions, requireProgram, runProgram, type Outcome } from '../../devcontainer/program.ts';
import { commandsOf } from '../../devcontainer/branch-files.ts';
import { isRecord } from '../../devcontainer/config.ts';
import { approvedEnvironment } from '../../devcontainer/host-variables.ts';
import type { Repository } from '../../core/repository.ts';
import { HeadjackError } from '../../errors.ts';
import { withoutGitVariables } from '../../git/environment.ts';
import { HELPER_VARIABLE, OPERATION_VARIABLE } from '../../process/by-environment.ts';
import { realPathOf } from '../../process/files.ts';
import { throwIfInterrupted, type Claim } from '../operation.ts';
import type { Services } from '../services.ts';
import { projectOf } from './clean.ts';
import type { Devcontainer } from './find.ts';
import { idLabels } from './resolved.ts';
import { trustedVariables } from './trust.ts';

/** A call of the devcontainer CLI for an instance. */
export interface CliCall {
  readonly found: Devcontainer;
  readonly held: Claim;
  readonly repository: Repository;
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
    writeConfig(services, call, worktree),
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
function writeConfig(services: Services, { found, scratch }: CliCall, worktree: string): string {
  const override = path.join(scratch, 'devcontainer.json');
  const mount = { workspaceMount: `type=bind,source=${worktree},target=${worktree}` };
  const composed = 'dockerComposeFile' in found.config;
  const initialize = withCallersEnvironment(found.config['initializeCommand'], services, scratch);
  fs.writeFileSync(
    override,
    JSON.stringify({
      ...found.config,
      ...(initialize === undefined ? {} : { initializeCommand: initialize }),
      workspaceFolder: worktree,
      ...(composed ? {} : mount),
    }),
  );
  return override;
}

/** The CLI itself has the approved variables alone; what runs on this machine, as the user, has his. */
function withCallersEnvironment(command: unknown, services: Services, scratch: string): unknown {
  if (commandsOf(command).length === 0) return command;
  const file = path.join(scratch, 'environment.sh');
  const lines = Object.entries(withoutGitVariables(services.env)).flatMap(([name, value]) =>
    value !== undefined && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? [[name, value] as const] : [],
  );
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  fs.writeFileSync(file, lines.map(([name, value]) => `export ${name}=${quoted(value)}\n`).join(''), {
    mode: 0o600,
  });
  const wrap = (one: unknown): unknown => {
    if (typeof one === 'string') return `. ${quoted(file)}\n${one}`;
    if (Array.isArray(one)) return ['/bin/sh', '-c', '. "$0"; exec "$@"', file, ...(one as unknown[])];
    return isRecord(one)
      ? Object.fromEntries(Object.entries(one).map(([name, part]) => [name, wrap(part)] as const))
      : one;
  };
  return wrap(command);
}

/** What programs need and the approved variables, and a folder for all that the CLI leaves lying about. */
function programEnvironment(services: Services, call: CliCall): NodeJS.ProcessEnv {
  const { scratch, held } = call;
  const temp = path.join(scratch, 'tmp');
  fs.mkdirSync(temp, { recursive: true });
  return {
    ...approvedEnvironment(services.env, trustedVariables(services, call.repository, call.found)),
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

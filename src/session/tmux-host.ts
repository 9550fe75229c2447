import fs from 'node:fs';
import path from 'node:path';
import { INSTANCE_ID } from '../core/identifiers.ts';
import { HeadjackError } from '../errors.ts';
import { printable } from '../core/printable.ts';
import { listFolder } from '../process/files.ts';
import { ProgramMissing } from '../process/programs.ts';
import { runAttached, runCaptured, type RunResult } from '../process/run.ts';
import type { SessionHost } from './port.ts';
import { parseSessionList, SESSION_LIST } from './session-list.ts';
import {
  distrusted,
  findFolderDoubt,
  findSocketDoubt,
  isOurSocket,
  prepareSocketFolder,
  socketPath,
} from './socket.ts';
import { saveTerminal } from './terminal.ts';

export interface TmuxOptions {
  readonly stateRoot: string;
  readonly owner: () => string;
  readonly env: NodeJS.ProcessEnv;
  /** Our own configuration, then the user's if set. */
  readonly configFile: string;
  readonly userConfigFile: string | undefined;
}

/** A tmux server keeps the environment of its first client for all later ones: it gets nothing that is not on this list. */
const passed =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TERM|COLORTERM|TERM_PROGRAM|TERM_PROGRAM_VERSION|TZ)$/;

export function createTmuxHost(options: TmuxOptions): SessionHost {
  const env: NodeJS.ProcessEnv = Object.fromEntries(
    Object.entries(options.env).filter(([name]) => passed.test(name)),
  );
  const socketOf = (instanceId: string): string => socketPath(options.stateRoot, options.owner, instanceId);
  const folderOf = (): string => path.dirname(socketOf('00000000'));
  const base = (instanceId: string): string[] => ['-S', socketOf(instanceId), '-f', options.configFile, '-u'];

  const run = async (instanceId: string, args: readonly string[]): Promise<RunResult> => {
    try {
      return await runCaptured('tmux', [...base(instanceId), ...args], { env });
    } catch (error) {
      throw missing(error);
    }
  };

  return {
    async open(session, command, size) {
      prepareSocketFolder(socketOf(session.instanceId));
      const target = `=${session.muxId}:`;
      const result = await run(session.instanceId, [
        'new-session',
        '-d',
        '-s',
        session.muxId,
        '-x',
        String(size.columns),
        '-y',
        String(size.rows),
        ...command.map(escapeWord),
        ';',
        'set-option',
        '-t',
        target,
        '@hjk_title',
        escapeWord(printable(session.title)),
        ...(options.userConfigFile === undefined ? [] : [';', 'source-file', '-q', options.userConfigFile]),
      ]);
      // a program that ended at once takes its terminal along before the options are set: no failure
      if (result.code === 0 || /no such session|can't find/.test(result.stderr)) return true;
      // so does a server that was about to end, as its last session had, when it was asked
      if (/no server running|server exited|lost server/.test(result.stderr)) return false;
      throw new HeadjackError(
        'tmux_failed',
        `tmux cannot open a session: ${printable(result.stderr.trim())}`,
      );
    },

    async attach(session) {
      const doubt = findSocketDoubt(socketOf(session.instanceId));
      if (doubt !== undefined) throw distrusted(doubt);
      if (!isOurSocket(socketOf(session.instanceId))) return;
      const restore = saveTerminal(env);
      try {
        const args = [...base(session.instanceId), 'attach-session', '-t', `=${session.muxId}`];
        const code = await runAttached('tmux', args, { env });
        // an unknown TERM (a terminal newer than the terminfo here) is no reason to fail
        if (code !== 0 && !(await this.clients(session.instanceId)).has(session.muxId)) return;
        if (code !== 0) await runAttached('tmux', args, { env: { ...env, TERM: 'xterm-256color' } });
      } catch (error) {
        throw missing(error);
      } finally {
        restore();
      }
    },

    async clients(instanceId) {
      if (!isOurSocket(socketOf(instanceId))) return new Map();
      return parseSessionList((await run(instanceId, SESSION_LIST)).stdout.toString('utf8'));
    },

    async close(session) {
      if (!isOurSocket(socketOf(session.instanceId))) return;
      await run(session.instanceId, ['kill-session', '-t', `=${session.muxId}`]);
    },

    instances() {
      const folder = folderOf();
      if (findFolderDoubt(folder) !== undefined) return [];
      return listFolder(folder)
        .map(file => file.replace(/\.sock$/, ''))
        .filter(id => INSTANCE_ID.test(id));
    },

    doubt: () => findFolderDoubt(folderOf()),

    async closeAll(instanceId) {
      const socket = socketOf(instanceId);
      if (!isOurSocket(socket)) return;
      await run(instanceId, ['kill-server']);
      fs.rmSync(socket, { force: true });
    },
  };
}

/** tmux takes an argument that ends in `;` as the end of a command. */
function escapeWord(word: string): string {
  return word.endsWith(';') ? `${word.slice(0, -1)}\\;` : word;
}

function missing(error: unknown): unknown {
  return error instanceof ProgramMissing
    ? new HeadjackError('tmux_missing', 'tmux is not installed, or not on PATH', {
        hint: 'apt-get install tmux',
        cause: error,
      })
    : error;
}

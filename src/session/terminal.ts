import { childProcess } from '../process/child-process.ts';
import { findProgram } from '../process/programs.ts';
import { writeSync } from 'node:fs';

/** Leave the other screen, show the cursor, no mouse, no bracketed paste, no focus events, plain colours. */
const RESET =
  '\u001b[?1049l\u001b[?25h\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?2004l\u001b[?1004l\u001b[0m';

/**
 * Remembers the modes of our terminal. The function that it gives brings them back, whatever happened to the program that had
 * the terminal meanwhile: a tmux client that is killed leaves raw mode and the other screen behind.
 */
export function saveTerminal(env: NodeJS.ProcessEnv): () => void {
  if (!process.stdin.isTTY) return () => undefined;
  const program = findProgram('stty', env);
  if (program === undefined) return () => undefined;
  const stty = (args: readonly string[]): string =>
    childProcess()
      .spawnSync(program, args, { stdio: ['inherit', 'pipe', 'ignore'], encoding: 'latin1' })
      .stdout.trim();
  const modes = stty(['-g']);
  return () => {
    if (modes === '' || stty(['-g']) === modes) return;
    stty([modes]);
    if (process.stdout.isTTY) writeSync(process.stdout.fd, RESET);
  };
}

import type { TerminalSize } from '../container/port.ts';

/** The terminal that a pump draws on. */
export interface Screen {
  size(): TerminalSize;
  onResize(listener: () => void): void;
  onInput(listener: (bytes: Buffer) => void): void;
  /** False where the caller should wait for `whenReady`. A screen that is gone takes everything. */
  write(bytes: Buffer): boolean;
  /** Calls once the screen takes bytes again, or is gone. */
  whenReady(listener: () => void): void;
}

/** The process's own terminal, in raw mode. Losing it (tmux killed) is no reason to end. */
export function openProcessScreen(): Screen {
  const { stdin, stdout } = process;
  let gone = false;
  const waiting = new Set<() => void>();
  const release = (): void => {
    for (const listener of waiting) listener();
    waiting.clear();
  };
  const lose = (): void => {
    gone = true;
    release();
  };
  stdout.on('error', lose);
  stdout.on('drain', release);
  stdin.on('error', lose);
  process.on('SIGHUP', lose);
  if (stdin.isTTY) stdin.setRawMode(true);
  return {
    size: () => ({ columns: stdout.columns || 120, rows: stdout.rows || 40 }),
    onResize(listener) {
      stdout.on('resize', listener);
    },
    onInput(listener) {
      stdin.on('data', listener);
    },
    write: bytes => gone || stdout.write(bytes),
    whenReady(listener) {
      if (gone) listener();
      else waiting.add(listener);
    },
  };
}

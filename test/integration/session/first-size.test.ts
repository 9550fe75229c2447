import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { sessionScript } from '../../../src/session/in-container.ts';

/** Runs a program in a terminal of 0×0, which gets its size after so many seconds. */
const inTerminal = `
import fcntl, os, pty, struct, sys, termios, time
pid, terminal = pty.fork()
if pid == 0:
    time.sleep(0.2)
    os.execvp(sys.argv[2], sys.argv[2:])
resize = lambda rows, columns: fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
resize(0, 0)
time.sleep(float(sys.argv[1]))
resize(40, 120)
try:
    while chunk := os.read(terminal, 4096): os.write(1, chunk)
except OSError:
    pass
`;

it.each([
  ['at once', 0],
  ['late, as on a busy machine', 4],
])('a program sees the first size of its terminal, which comes %s', (_, seconds) => {
  const words = ['sh', '-c', sessionScript, 'hjk', 'none', 'sh', '-c', 'stty size'];
  const seen = execFileSync('python3', ['-c', inTerminal, String(seconds), ...words], { encoding: 'utf8' });
  expect(seen).toBe('40 120\r\n');
});

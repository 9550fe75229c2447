import { spawn } from 'node:child_process';
import net from 'node:net';
import type { Answer } from './gate.ts';

// The program that the devcontainer CLI takes for the engine's: `<socket> <engine|compose> <arguments…>`. It asks hjk, which made
// it, and does what it is told. Without hjk nothing happens.

const [socket = '', program, ...args] = process.argv.slice(2);
const refuse = (text: string): never => {
  process.stderr.write(`${text}\n`);
  process.exit(125);
};
let said = '';
let answered = false;
const connection = net.connect({ path: socket, allowHalfOpen: true });
connection.setEncoding('utf8');
connection.on('connect', () => {
  connection.end(JSON.stringify({ program, args }));
});
connection.on('data', chunk => {
  said += String(chunk);
  if (!said.includes('\n') || answered) return;
  answered = true;
  follow(JSON.parse(said) as Answer);
});
connection.on('error', () => refuse('hjk, which started this, has ended'));
connection.on('close', () => {
  if (!answered) refuse('hjk, which started this, has ended');
});

function follow(answer: Answer): void {
  if ('refuse' in answer) refuse(answer.refuse);
  if ('hold' in answer) {
    connection.on('close', () => process.exit(0));
    return;
  }
  const [file = '', ...words] = 'run' in answer ? answer.run : [];
  const child = spawn(file, words, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  child.on('error', error => refuse(error.message));
  child.on('close', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
}

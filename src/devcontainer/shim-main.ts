import { spawn } from 'node:child_process';
import net from 'node:net';
import { LOST_CALL_TRIES, LOST_CALL_WAIT_MS, wasLost } from '../container/lost-calls.ts';
import type { Answer } from './gate.ts';

// The program that the devcontainer CLI takes for the engine's: `<socket> <engine|compose> <arguments…>`. It asks hjk, which made
// it, and does what it is told. Without hjk nothing happens.

const [socket = '', program, ...args] = process.argv.slice(2);
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
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
  if ('run' in answer) run(answer.run, answer.build === true ? LOST_CALL_TRIES : 1);
}

function run(words: readonly string[], tries: number): void {
  const [file = '', ...args] = words;
  const piped = tries === 1 ? 'inherit' : 'pipe';
  const child = spawn(file, args, { stdio: ['inherit', piped, piped] });
  let tail = '';
  child.stdout?.on('data', chunk => process.stdout.write(chunk as Buffer));
  child.stderr?.on('data', chunk => {
    process.stderr.write(chunk as Buffer);
    tail = (tail + String(chunk)).slice(-4096);
  });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of signals) process.on(signal, pass);
  child.on('error', error => refuse(error.message));
  child.on('close', (code, signal) => {
    for (const name of signals) process.off(name, pass);
    if (code !== 0 && tries > 1 && wasLost(tail) && !connection.closed)
      setTimeout(run, LOST_CALL_WAIT_MS, words, tries - 1);
    else process.exit(code ?? (signal === 'SIGINT' ? 130 : 143));
  });
}

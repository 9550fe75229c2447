import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { messageOf } from '../errors.ts';

/** A call of the engine's program, as the devcontainer CLI makes it. */
export interface EngineCall {
  readonly program: 'engine' | 'compose';
  readonly args: readonly string[];
}

/** What becomes of a call: another program in its place, an end, or it is held open until the gate closes. */
export type Answer =
  | {
      readonly run: readonly string[];
      /** It is run again, a few times, where the engine lost it. */
      readonly build?: true;
    }
  | { readonly refuse: string }
  | { readonly hold: true };

/** Programs that stand in for the engine's, and ask us before anything happens. */
export interface Gate extends AsyncDisposable {
  readonly enginePath: string;
  readonly composePath: string;
}

/** Calls of the engine that only look. The programs make them without asking: that would cost the start of a Node each. */
const LOOKS = ['-v', '--version', 'version', 'info', 'inspect', 'images', 'ps', 'events', 'buildx version'];

/**
 * Stands between the devcontainer CLI and the engine: the CLI is given two small programs that hand each call of theirs to `answer`.
 * So what a container is made of is judged as it is in the end, whatever brought it in, and nothing is made once we are gone.
 * @param folder a private one, for the programs and the socket
 * @param order.shim the built program that asks
 * @param order.engineCommand the words that call the engine
 * @param order.answer is asked about what may change something
 */
export async function openGate(
  folder: string,
  order: {
    readonly shim: string;
    readonly engineCommand: readonly string[];
    readonly answer: (call: EngineCall) => Promise<Answer>;
  },
): Promise<Gate> {
  const socket = path.join(folder, 'gate.sock');
  const open = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, connection => {
    open.add(connection);
    connection.on('close', () => open.delete(connection)).on('error', () => undefined);
    let asked = '';
    connection.setEncoding('utf8').on('data', chunk => (asked += String(chunk)));
    connection.on('end', () => {
      void answerTo(asked, order.answer).then(said => {
        if ('hold' in said || 'build' in said) connection.write(`${JSON.stringify(said)}\n`);
        else connection.end(`${JSON.stringify(said)}\n`);
      });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(socket, resolve);
  });
  const program = (name: EngineCall['program'], first: string): string => {
    const file = path.join(folder, name);
    const ask = quote([process.execPath, order.shim, socket, name]);
    fs.writeFileSync(file, `#!/bin/sh\n${first}exec ${ask} "$@"\n`, { mode: 0o700 });
    return file;
  };
  const looks = LOOKS.map(words => `'${words} '*`).join(' | ');
  const look = `case "$1 $2 " in ${looks}) exec ${quote(order.engineCommand)} "$@" ;; esac\n`;
  return {
    enginePath: program('engine', look),
    composePath: program('compose', ''),
    async [Symbol.asyncDispose]() {
      for (const connection of open) connection.destroy();
      await new Promise<void>(resolve => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}

/** For a shell. */
const quote = (words: readonly string[]): string =>
  words.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

async function answerTo(asked: string, answer: (call: EngineCall) => Promise<Answer>): Promise<Answer> {
  try {
    return await answer(JSON.parse(asked) as EngineCall);
  } catch (error) {
    return { refuse: messageOf(error) };
  }
}

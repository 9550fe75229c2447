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

/**
 * Stands between the devcontainer CLI and the engine: the CLI is given two small programs that hand each call of theirs to `answer`.
 * So what a container is made of is judged as it is in the end, whatever brought it in, and nothing is made once we are gone.
 * @param folder a private one, for the programs and the socket
 * @param shim the built program that asks
 */
export async function openGate(
  folder: string,
  shim: string,
  answer: (call: EngineCall) => Promise<Answer>,
): Promise<Gate> {
  const socket = path.join(folder, 'gate.sock');
  const open = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, connection => {
    open.add(connection);
    connection.on('close', () => open.delete(connection)).on('error', () => undefined);
    let asked = '';
    connection.setEncoding('utf8').on('data', chunk => (asked += String(chunk)));
    connection.on('end', () => {
      void answerTo(asked, answer).then(said => {
        if ('hold' in said || 'build' in said) connection.write(`${JSON.stringify(said)}\n`);
        else connection.end(`${JSON.stringify(said)}\n`);
      });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(socket, resolve);
  });
  const program = (name: EngineCall['program']): string => {
    const file = path.join(folder, name);
    const words = [process.execPath, shim, socket, name].map(word => `'${word.replaceAll("'", "'\\''")}'`);
    fs.writeFileSync(file, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`, { mode: 0o700 });
    return file;
  };
  return {
    enginePath: program('engine'),
    composePath: program('compose'),
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

async function answerTo(asked: string, answer: (call: EngineCall) => Promise<Answer>): Promise<Answer> {
  try {
    return await answer(JSON.parse(asked) as EngineCall);
  } catch (error) {
    return { refuse: messageOf(error) };
  }
}

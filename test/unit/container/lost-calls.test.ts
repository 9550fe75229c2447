import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createDockerodeRuntime } from '../../../src/container/dockerode-runtime.ts';
import { createEngineHttp } from '../../../src/container/engine-http.ts';
import { LOST_CALL_TRIES } from '../../../src/container/lost-calls.ts';
import type { ContainerRuntime } from '../../../src/container/port.ts';
import { makeFolder } from '../../support/sandbox.ts';

/** What podman 4.3 answers while an image is removed beside the call; it cannot be made to do so each time. */
const LOST = {
  cause: 'image not known',
  message: 'reading image "ae4d2f": locating image with ID "ae4d2f": image not known',
  response: 500,
};

async function withAnswers(
  status: number,
  times: number,
  use: (runtime: ContainerRuntime, count: () => number) => Promise<void>,
): Promise<void> {
  const folder = makeFolder();
  const socket = path.join(folder, 'engine.sock');
  let calls = 0;
  const server = http.createServer((_request, response) => {
    calls++;
    response.writeHead(calls > times ? 200 : status, { 'content-type': 'application/json' });
    response.end(calls > times ? '[]' : JSON.stringify(LOST));
  });
  server.listen(socket);
  await once(server, 'listening');
  try {
    const caller = { env: {}, home: folder };
    await use(createDockerodeRuntime(socket, 1000, createEngineHttp(socket, 1000), caller), () => calls);
  } finally {
    server.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

describe('a call that the engine loses beside a removal', () => {
  it('is made again', () =>
    withAnswers(500, 2, async (runtime, count) => {
      expect(await runtime.listImages(['x'])).toEqual([]);
      expect(count()).toBe(3);
    }));
  it('is given up at last, and said as the engine says it', () =>
    withAnswers(500, 99, async (runtime, count) => {
      await expect(runtime.listImages(['x'])).rejects.toThrow('image not known');
      expect(count()).toBe(LOST_CALL_TRIES);
    }));
  it('is none where the image asked for is the one that is not there', () =>
    withAnswers(404, 99, async (runtime, count) => {
      expect(await runtime.findImage('x')).toBeUndefined();
      expect(count()).toBe(1);
    }));
});

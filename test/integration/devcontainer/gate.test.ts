import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openGate, type Answer, type EngineCall } from '../../../src/devcontainer/gate.ts';
import { makeFolder, root } from '../../support/sandbox.ts';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const call = (program: string, args: readonly string[]): Promise<Ended> =>
  new Promise(resolve => {
    execFile(program, args, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });

/** Opens a gate that answers so, and uses it. */
async function withGate<T>(
  answer: (call: EngineCall) => Promise<Answer>,
  use: (gate: {
    enginePath: string;
    composePath: string;
    folder: string;
    close: () => Promise<void>;
  }) => Promise<T>,
): Promise<T> {
  const folder = makeFolder();
  const gate = await openGate(folder, {
    shim: path.join(root, 'dist/devcontainer/engine.cjs'),
    engineCommand: ['printf', '[%s]', "the engine's"],
    answer,
  });
  const close = async (): Promise<void> => gate[Symbol.asyncDispose]();
  try {
    return await use({ enginePath: gate.enginePath, composePath: gate.composePath, folder, close });
  } finally {
    await close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** A program that fails so often, and then says done. */
const failing = (folder: string, times: number, words: string): string[] => [
  'sh',
  '-c',
  `echo x >> ${folder}/calls; [ $(wc -l < ${folder}/calls) -gt ${String(times)} ] && echo done || { echo "${words}" >&2; exit 9; }`,
];

describe('the gate between the devcontainer CLI and the engine', () => {
  it('hands over each call whole, and does what is answered', async () => {
    const calls: EngineCall[] = [];
    await withGate(
      asked => {
        calls.push(asked);
        return Promise.resolve(
          asked.program === 'engine' ? { run: ['printf', '[%s]', ...asked.args] } : { refuse: 'not so' },
        );
      },
      async ({ enginePath, composePath }) => {
        const words = ['run', '--label', 'it\'s "this"\nand $that', ''];
        expect(await call(enginePath, words)).toEqual({
          code: 0,
          stdout: words.map(word => `[${word}]`).join(''),
          stderr: '',
        });
        expect(await call(composePath, ['up'])).toEqual({ code: 125, stdout: '', stderr: 'not so\n' });
        expect(calls).toEqual([
          { program: 'engine', args: words },
          { program: 'compose', args: ['up'] },
        ]);
      },
    );
  });
  it('makes calls that only look without asking, open or closed', async () => {
    await withGate(
      asked => Promise.resolve({ run: ['printf', '(%s)', ...asked.args] }),
      async ({ enginePath, close }) => {
        const said = async (...words: string[]): Promise<string> => (await call(enginePath, words)).stdout;
        expect(await said('ps', '-q', 'a b')).toBe("[the engine's][ps][-q][a b]");
        expect(await said('-v')).toBe("[the engine's][-v]");
        expect(await said('buildx', 'version')).toBe("[the engine's][buildx][version]");
        expect(await said('buildx', 'version.x')).toBe('(buildx)(version.x)');
        expect(await said('psx', 'version')).toBe('(psx)(version)');
        expect(await said('buildx')).toBe('(buildx)');
        expect(await said('*', 'ps')).toBe('(*)(ps)');
        await close();
        expect(await said('inspect', 'x')).toBe("[the engine's][inspect][x]");
      },
    );
  });
  it('refuses what cannot be answered, and everything once it is closed', async () => {
    await withGate(
      () => Promise.reject(new Error('why not')),
      async ({ enginePath, close }) => {
        expect(await call(enginePath, ['x'])).toMatchObject({ code: 125, stderr: 'why not\n' });
        await close();
        expect(await call(enginePath, ['x'])).toMatchObject({
          code: 125,
          stderr: expect.stringMatching(/has ended/) as string,
        });
      },
    );
  });
  it('holds a call open until it is closed', async () => {
    await withGate(
      () => Promise.resolve({ hold: true }),
      async ({ enginePath, close }) => {
        const held = call(enginePath, ['run']);
        expect(await Promise.race([held, new Promise(resolve => setTimeout(resolve, 500, 'open'))])).toBe(
          'open',
        );
        await close();
        expect((await held).code).toBe(0);
      },
    );
  });
  it.each([
    ['a step that was lost', 2, 'while running runtime: signal: killed', { code: 0, stdout: 'done\n' }, 3],
    [
      'a search beside a removal',
      1,
      'getting top layer info: layer not known',
      { code: 0, stdout: 'done\n' },
      2,
    ],
    [
      'a step that is lost each time',
      99,
      'while running runtime: signal: killed',
      { code: 9, stdout: '' },
      6,
    ],
    ['another failure', 2, 'no such file', { code: 9, stdout: '' }, 1],
  ])('runs %s again as it should', async (_, times, words, expected, tries) => {
    let place = '';
    await withGate(
      () => Promise.resolve({ run: failing(place, times, words), build: true }),
      async ({ enginePath, folder }) => {
        place = folder;
        expect(await call(enginePath, ['build'])).toMatchObject(expected);
        expect(fs.readFileSync(path.join(folder, 'calls'), 'utf8').split('\n')).toHaveLength(tries + 1);
      },
    );
  });
});

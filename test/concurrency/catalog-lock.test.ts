import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createCatalogStore } from '../../src/catalog/store.ts';
import { HeadjackError } from '../../src/errors.ts';
import { ended, makeFolder, root } from '../support/sandbox.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = makeFolder();
  file = path.join(folder, 'catalog.json');
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

const real = path.join(root, 'dist/lib/index.mjs');
const worker = (name: string, updates: number, mode: string, lib = real): ChildProcess =>
  spawn(
    process.execPath,
    [path.join(root, 'test/support/catalog-worker.mjs'), lib, file, name, String(updates), mode],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
const acks = (stdout: string): string[] =>
  stdout
    .split('\n')
    .filter(line => line.startsWith('ack '))
    .map(line => line.slice(4));
const load = (): { counter: number; marks: string[] } =>
  JSON.parse(fs.readFileSync(file, 'utf8')) as { counter: number; marks: string[] };
const inside = (child: ChildProcess): Promise<void> =>
  new Promise(resolve =>
    child.stdout?.on('data', chunk => {
      if (String(chunk).includes('inside')) resolve();
    }),
  );
const store = createStore;
function createStore() {
  return createCatalogStore({
    file,
    verb: 'test',
    folders: { worktrees: '/nonexistent', logs: '/nonexistent' },
  });
}
/** The library with one thing taken out: what a rename that cannot fail would do. */
function makeMutant(): string {
  const to = path.join(root, 'dist/mutant');
  fs.rmSync(to, { recursive: true, force: true });
  fs.cpSync(path.join(root, 'dist/lib'), to, { recursive: true });
  let changed = 0;
  for (const name of fs.readdirSync(to).filter(n => n.endsWith('.mjs'))) {
    const text = fs.readFileSync(path.join(to, name), 'utf8');
    const mutated = text.replace(
      'fs.renameSync(marker.path, this.#file);',
      'fs.writeFileSync(`${this.#file}.mutant`, text); fs.renameSync(`${this.#file}.mutant`, this.#file); fs.rmSync(marker.path, { force: true });',
    );
    if (mutated !== text) changed++;
    fs.writeFileSync(path.join(to, name), mutated);
  }
  expect(changed).toBe(1);
  return path.join(to, 'index.mjs');
}

describe('16 processes, readers among them, some killed and some suspended', () => {
  it('every acknowledged update is there exactly once', async () => {
    const workers = Array.from({ length: 16 }, (_, i) => worker(`w${i}`, 60, i >= 13 ? 'read' : 'plain'));
    const results = workers.map(ended);
    const pick = (): ChildProcess => workers[Math.floor(Math.random() * workers.length)]!;
    const chaos = (async () => {
      for (let i = 0; i < 40; i++) {
        await new Promise(resolve => setTimeout(resolve, 25));
        const victim = pick();
        if (victim.exitCode !== null || victim.signalCode !== null) continue;
        if (i % 8 === 7) victim.kill('SIGKILL');
        else {
          victim.kill('SIGSTOP');
          setTimeout(() => victim.kill('SIGCONT'), i % 3 === 0 ? 900 : 60);
        }
      }
    })();
    const outputs = await Promise.all(results);
    await chaos;
    const { counter, marks } = load();
    const acknowledged = outputs.flatMap(o => acks(o.stdout));
    expect(outputs.map(o => o.stderr).join('')).toBe('');
    expect(new Set(marks).size).toBe(marks.length);
    expect(counter).toBe(marks.length);
    expect(acknowledged.filter(mark => !marks.includes(mark))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(300);
    await store().update(() => undefined); // clears what the killed left
    expect(fs.readdirSync(folder).filter(name => /\.[rw]-/.test(name))).toEqual([]);
  });
});

it('many processes may be the first to use a state root', async () => {
  for (let round = 0; round < 6; round++) {
    file = path.join(folder, `root-${round}/state/catalog.json`);
    const outputs = await Promise.all(
      Array.from({ length: 12 }, (_, i) => ended(worker(`w${i}`, 1, 'plain'))),
    );
    expect(outputs.map(o => o.stderr).join('')).toBe('');
    expect(load().counter).toBe(12);
  }
});

it('the state root may be made by another between our look and our answer to it', async () => {
  file = path.join(folder, 'state/catalog.json');
  const look = vi.spyOn(fs, 'readdirSync').mockImplementationOnce(() => {
    fs.mkdirSync(path.dirname(file));
    throw Object.assign(new Error('no such folder'), { code: 'ENOENT' });
  });
  await store().update(() => undefined);
  expect(look).toHaveBeenCalled();
  look.mockRestore();
});

/** A writer is suspended inside its update until another has taken the lock over and committed, then resumed. */
async function suspendedWriter(lib: string): Promise<{ marks: string[]; acknowledged: string[] }> {
  const sleeper = worker('sleeper', 1, 'stop', lib);
  const slept = ended(sleeper);
  await inside(sleeper);
  const other = await ended(worker('other', 3, 'plain', lib));
  sleeper.kill('SIGCONT');
  const outputs = [await slept, other];
  return { marks: load().marks, acknowledged: outputs.flatMap(o => acks(o.stdout)) };
}

describe('a writer that is suspended past its take-over', () => {
  it('counts exactly once when it wakes', async () => {
    const { marks, acknowledged } = await suspendedWriter(real);
    expect(acknowledged).toHaveLength(4);
    expect([...marks].sort()).toEqual(['other-0', 'other-1', 'other-2', 'sleeper-0']);
  });
  it('without the fence it overwrites the others: the check can fail', async () => {
    const { marks, acknowledged } = await suspendedWriter(makeMutant());
    expect(acknowledged).toHaveLength(4);
    expect(marks).not.toEqual(expect.arrayContaining(acknowledged));
  });
});

describe('a holder that lives', () => {
  it('makes others time out after 5 s, with its pid, verb and mode, and without its arguments', async () => {
    const holder = worker('secret-argument', 1, 'spin');
    await inside(holder);
    const begin = performance.now();
    const error: unknown = await store()
      .update(() => undefined)
      .then(
        () => undefined,
        (e: unknown) => e,
      );
    const waited = performance.now() - begin;
    expect(error).toBeInstanceOf(HeadjackError);
    expect(error).toMatchObject({ code: 'lock_timeout', exitCode: 6 });
    expect((error as Error).message).toContain(`pid ${holder.pid} (hjk writer, writing since `);
    expect((error as Error).message).not.toContain('secret-argument');
    expect(waited).toBeGreaterThanOrEqual(5000);
    expect(waited).toBeLessThan(6500);
    holder.kill('SIGKILL');
  });
  it('of readers lets other readers in and keeps writers out', async () => {
    await store().update(() => undefined);
    const both = Promise.all([store().read(() => 1), store().read(() => 2)]);
    expect(await both).toEqual([1, 2]);
  });
});

describe('a holder that was killed', () => {
  it('costs the next update far less than the time-out', async () => {
    const holder = worker('killed', 1, 'hang');
    await inside(holder);
    holder.kill('SIGKILL');
    await ended(holder);
    const begin = performance.now();
    await store().update(() => undefined);
    expect(performance.now() - begin).toBeLessThan(2500);
    expect(fs.readdirSync(folder)).toEqual(['catalog.json']);
  });
  it('at the gate leaves a folder that the next one breaks', async () => {
    await store().update(() => undefined);
    fs.mkdirSync(`${file}.lock`);
    await store().update(() => undefined);
    expect(fs.existsSync(`${file}.lock`)).toBe(false);
  });
});

it('a reader that cannot leave a marker reads without one', async () => {
  await store().update(() => undefined);
  fs.chmodSync(folder, 0o500);
  try {
    expect(await store().read(c => c.version)).toBe(2);
  } finally {
    fs.chmodSync(folder, 0o700);
  }
});

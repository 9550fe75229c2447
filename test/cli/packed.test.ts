import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSandbox, makeFolder, root, runProgram, type Sandbox } from '../support/sandbox.ts';

let folder: string;
let hjk: string;
let box: Sandbox;
beforeAll(() => {
  folder = makeFolder();
  box = makeSandbox();
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: root });
  const tarball = path.join(
    folder,
    fs.readdirSync(folder).find(name => name.endsWith('.tgz'))!,
  );
  execFileSync(
    'npm',
    [
      'install',
      '--silent',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--prefix',
      path.join(folder, 'prefix'),
      '-g',
      tarball,
    ],
    { cwd: folder },
  );
  hjk = path.join(folder, 'prefix/bin/hjk');
}, 300_000);
afterAll(async () => {
  await box[Symbol.asyncDispose]();
  fs.rmSync(folder, { recursive: true, force: true });
});
const installed = (): string => path.join(folder, 'prefix/lib/node_modules/headjack');
const run = (...args: string[]): ReturnType<typeof runProgram> =>
  runProgram(hjk, args, { cwd: box.repository, env: box.env });

describe('the packed program', () => {
  it('holds no native part, no path of the machine that built it, no test', () => {
    const files = fs
      .readdirSync(installed(), { recursive: true, withFileTypes: true })
      .filter(f => f.isFile() && !f.parentPath.includes(`${installed()}/node_modules`))
      .map(f => path.join(f.parentPath, f.name));
    expect(files.filter(f => f.endsWith('.node'))).toEqual([]);
    expect(files.filter(f => /\/(test|src|bench)\//.test(f.slice(installed().length)))).toEqual([]);
    expect(files.filter(f => fs.readFileSync(f, 'utf8').includes(root))).toEqual([]);
  });
  it('does the main job from where it was installed', async () => {
    expect(await run('--version')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^hjk \d+\.\d+\.\d+\n$/) as string,
    });
    expect(JSON.parse((await run('version', '--json')).stdout)).toMatchObject({
      schema: 1,
      version: expect.any(String) as string,
      commit: expect.any(String) as string,
      built: expect.any(String) as string,
    });
    expect(await run('run', 'b')).toMatchObject({ code: 0, stderr: '' });
    expect(await run('exec', 'b', '-d', '-n', 's', 'echo', 'hello')).toMatchObject({ code: 0 });
    expect(await run('logs', 'b', 's', '-f')).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
    expect(await run('rm', 'b', '--yes')).toMatchObject({ code: 0 });
  });
  it('is a library too', async () => {
    const script = `import { openHeadjack, listInstances } from 'headjack';
      const { services } = await openHeadjack({ cwd: process.cwd(), env: process.env });
      console.log(JSON.stringify(await listInstances(services, { kind: 'all' })));`;
    fs.writeFileSync(path.join(folder, 'use.mjs'), script);
    fs.mkdirSync(path.join(folder, 'node_modules'), { recursive: true });
    fs.symlinkSync(installed(), path.join(folder, 'node_modules/headjack'));
    const ran = await runProgram(process.execPath, [path.join(folder, 'use.mjs')], {
      cwd: box.repository,
      env: box.env,
    });
    expect(JSON.parse(ran.stdout)).toMatchObject({ instances: [] });
  });
  it('reads nothing that a command does not need', async () => {
    const loaded = async (...args: string[]): Promise<string[]> => {
      const trace = path.join(folder, 'trace.cjs');
      fs.writeFileSync(
        trace,
        `const list=[];const m=require('module');const o=m._load;m._load=function(r){list.push(r);return o.apply(this,arguments)};process.on('exit',()=>require('fs').writeFileSync(${JSON.stringify(path.join(folder, 'loaded.json'))},JSON.stringify(list)))`,
      );
      await runProgram(
        process.execPath,
        ['-r', trace, '--', path.join(installed(), 'dist/cli/hjk.cjs'), ...args],
        { cwd: box.repository, env: box.env },
      );
      return JSON.parse(fs.readFileSync(path.join(folder, 'loaded.json'), 'utf8')) as string[];
    };
    for (const args of [['ps'], ['ps', '--json'], ['paths'], ['logs', 'b', 's']]) {
      const names = (await loaded(...args)).join('\n');
      expect(names).not.toMatch(/dockerode|simple-git|schema|yaml|proper-lockfile/);
    }
    expect((await loaded('--version')).filter(name => name.startsWith('.'))).toHaveLength(1);
  });
});

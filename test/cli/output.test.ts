import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, makeSandbox, runProgram } from '../support/sandbox.ts';

describe('output', () => {
  it('--help and help <command> answer on stdout, with examples and exit codes', async () => {
    await using box = makeSandbox();
    const help = await box.ok('--help');
    expect(await box.ok('help')).toBe(help);
    expect(await box.ok()).toBe(help);
    for (const command of [
      'run',
      'exec',
      'agent',
      'attach',
      'ps',
      'logs',
      'stop',
      'kill',
      'rm',
      'image',
      'config',
      'paths',
      'version',
      'completion',
      'help',
    ])
      expect(help).toMatch(new RegExp(`^  ${command}[ \\[]`, 'm'));
    for (const command of ['run', 'exec', 'rm']) {
      const page = await box.ok('help', command);
      expect(page).toContain('Examples:');
      expect(page).toContain('Exit codes: 0 ok');
      expect(await box.ok(command, '--help')).toBe(page);
    }
    expect(fs.readdirSync(box.home)).toEqual([]);
  });
  it('a reader that goes away is no error', async () => {
    await using box = makeSandbox();
    const ran = spawnSync('sh', ['-c', `${cli} help run | head -n 1; ${cli} ps --all | true`], {
      cwd: box.repository,
      env: box.env,
      encoding: 'utf8',
    });
    expect(ran.stderr).toBe('');
  });
  it('paths shows the contract, config what is in force; reading writes nothing', async () => {
    await using box = makeSandbox();
    expect(JSON.parse(await box.ok('paths', '--json'))).toMatchObject({
      schema: 1,
      paths: [
        { name: 'state_root', path: box.stateRoot, source: 'default', exists: false },
        ...Array.from({ length: 6 }, () => ({})),
      ],
    });
    expect(await box.ok('paths', 'catalog')).toBe(`${box.stateRoot}/catalog.json\n`);
    expect(await box.ok('paths', 'logs', '--catalog', '')).toBe(`${box.stateRoot}/logs\n`);
    expect(await box.ok('config', 'default.base_image')).toBe('hjk-test:base\n');
    expect(await box.ok('config', 'agents.claude')).toContain('CLAUDE_CODE_MAX_TURNS');
    expect(JSON.parse(await box.ok('config', '--json'))).toMatchObject({
      schema: 1,
      config: { runtime: { name: 'docker' }, storage: { catalog: `${box.stateRoot}/catalog.json` } },
    });
    expect(fs.readdirSync(box.home)).toEqual([]);
    expect(await box.ok('config', 'default.agent', 'claude')).toBe('Set default.agent = claude\n');
    expect(await box.ok('config', 'default.agent')).toBe('claude\n');
    expect(await box.hjk('config', '--edit')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('$EDITOR environment variable not set') as string,
    });
  });
  it('a bad config.yaml is told whole, on every command that reads it; unknown keys are only noted', async () => {
    await using box = makeSandbox();
    const file = path.join(box.home, '.config/headjack/config.yaml');
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, 'default:\n  ssh_agent: perhaps\nstorage: 3\n');
    const ran = await box.hjk('ps');
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain(`${file}:2: default.ssh_agent`);
    expect(ran.stderr).toContain(`${file}:3: storage`);
    fs.writeFileSync(file, 'colour: red\n');
    expect(await box.hjk('ps')).toMatchObject({ code: 0, stderr: '' });
    expect((await box.hjk('-v', 'ps')).stderr).toContain(`${file}:1: colour`);
    fs.writeFileSync(file, 'runtime:\n  flags: [--restart]\n');
    expect(await box.hjk('run', 'b')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        'runtime.flags: not a flag that can be given to the container: --restart',
      ) as string,
    });
  });
  it.each(['bash', 'zsh', 'fish', 'powershell'])('completion %s names commands and flags', async shell => {
    await using box = makeSandbox();
    const script = await box.ok('completion', shell);
    expect(script).toContain('attach');
    expect(script).toContain('delete-branch');
    if (shell === 'bash') {
      const ran = spawnSync(
        'bash',
        [
          '-c',
          `${script}\nCOMP_WORDS=(hjk exec --na); COMP_CWORD=2; _hjk; echo "\${COMPREPLY[@]}"; COMP_WORDS=(hjk at); COMP_CWORD=1; _hjk; echo "\${COMPREPLY[@]}"`,
        ],
        { encoding: 'utf8' },
      );
      expect(ran.stdout).toBe('--name\nattach\n');
    }
    expect(await box.hjk('completion', 'bsh')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean "bash"?') as string,
    });
  });
  it('colours: only for a terminal, or where they are forced', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'b');
    expect(await box.ok('ps')).not.toContain('\u001b');
    const forced = await runProgram(cli, ['ps'], {
      cwd: box.repository,
      env: { ...box.env, FORCE_COLOR: '1' },
    });
    expect(forced.stdout).toContain('\u001b[32mrunning');
  });
});

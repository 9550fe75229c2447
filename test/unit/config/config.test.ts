import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { setConfigValue } from '../../../src/config/change.ts';
import { flagWords } from '../../../src/config/flags.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { agentEnvironment, resolveSettings } from '../../../src/config/settings.ts';
import { parseSize } from '../../../src/core/size.ts';
import { HeadjackError } from '../../../src/errors.ts';
import { makeFolder } from '../../support/sandbox.ts';

const original = `# mine
default:
    agent: claude
    base_image: my/base
storage:
    worktrees: ~/.local/share/headjack/git
    catalog: ~/.local/share/headjack/catalog.json
    logs: ~/.local/share/headjack/logs
runtime:
    name: docker
    flags: {}
devcontainer:
    path: ""
agents:
    claude:
        env:
            claude_code_max_turns: "50" # few
            https_proxy: http://p
`;

it("reads the original's file", () => {
  const { file, unknown } = parseConfig(original, 'c.yaml');
  expect(unknown).toEqual([]);
  const settings = resolveSettings({}, file);
  expect(settings).toMatchObject({
    defaultAgent: 'claude',
    baseImage: 'my/base',
    runtimeFlags: [],
    runtimeName: 'docker',
  });
  expect(settings.agents['claude']?.env).toEqual({
    claude_code_max_turns: '50',
    CLAUDE_CODE_MAX_TURNS: '50',
    https_proxy: 'http://p',
  });
});

it('all problems of a bad file are named at once, with line and key', () => {
  const text = 'default:\n  agent: [1]\nruntime:\n  flags: "a \'b"\nsessions:\n  log_max_size: 3\n';
  const error = (() => {
    try {
      parseConfig(text, '/c.yaml');
    } catch (e) {
      return e;
    }
    return undefined;
  })();
  expect(error).toBeInstanceOf(HeadjackError);
  const details = (error as HeadjackError).details as string[];
  expect(details.map(line => line.split(': ').slice(0, 2).join(': '))).toEqual([
    '/c.yaml:2: default.agent',
    '/c.yaml:4: runtime.flags',
    '/c.yaml:6: sessions.log_max_size',
  ]);
});
it('a file that is no YAML is refused with its line', () => {
  expect(() => parseConfig('a: [1\nb: 2\n', '/c.yaml')).toThrow(
    expect.objectContaining({ code: 'config_invalid', exitCode: 2 }) as Error,
  );
});
it('unknown keys are told with their line, and are no failure', () => {
  expect(parseConfig('default:\n  colour: red\nfoo: 1\n', 'c.yaml').unknown).toEqual([
    'c.yaml:2: default.colour',
    'c.yaml:3: foo',
  ]);
});

it('a change keeps comments and what nobody knows', () => {
  const folder = makeFolder();
  const file = path.join(folder, 'config.yaml');
  fs.writeFileSync(file, `${original}foo: bar # why\n`);
  setConfigValue(file, file, 'default.agent', 'codex');
  setConfigValue(file, file, 'agents.gemini.env.KEY', 'v');
  const text = fs.readFileSync(file, 'utf8');
  expect(text).toContain('# mine\n');
  expect(text).toContain('foo: bar # why');
  expect(text).toContain('# few');
  expect(parseConfig(text, file).file).toMatchObject({
    default: { agent: 'codex' },
    agents: { gemini: { env: { KEY: 'v' } } },
  });
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  expect(() => {
    setConfigValue(file, file, 'default.agnt', 'x');
  }).toThrow(expect.objectContaining({ code: 'usage', hint: 'did you mean "default.agent"?' }) as Error);
  fs.rmSync(folder, { recursive: true });
});

describe('settings', () => {
  it('variables come before the file', () => {
    const { file } = parseConfig(original, 'c.yaml');
    const settings = resolveSettings(
      {
        HEADJACK_BASE_IMAGE: 'a',
        HEADJACK_DEFAULT_BASE_IMAGE: 'b',
        HEADJACK_DEFAULT_AGENT: 'gemini',
        HEADJACK_RUNTIME_FLAGS: "-m 4g --label 'a b'",
      },
      file,
    );
    expect(settings).toMatchObject({
      baseImage: 'a',
      defaultAgent: 'gemini',
      runtimeFlags: ['-m', '4g', '--label', 'a b'],
    });
    expect(resolveSettings({ HEADJACK_DEFAULT_BASE_IMAGE: 'b' }, file).baseImage).toBe('b');
  });
  it('claude gets its turns where the user says nothing', () => {
    expect(resolveSettings({}, {}).agents['claude']?.env).toEqual({ CLAUDE_CODE_MAX_TURNS: '100' });
  });
  it('an unknown runtime is refused', () => {
    expect(() => resolveSettings({}, { runtime: { name: 'lxc' } })).toThrow('lxc');
  });
  it('a lower-cased variable is passed both ways, unless the other is there', () => {
    expect(agentEnvironment({ api_key: 'a', API_KEY: 'b', Mixed: 1, no_proxy: 'x' })).toEqual({
      api_key: 'a',
      API_KEY: 'b',
      Mixed: '1',
      no_proxy: 'x',
    });
  });
});

it('flags are read in every form', () => {
  expect(flagWords('--a "b c"')).toEqual(['--a', 'b c']);
  expect(flagWords(['--a', 1])).toEqual(['--a', '1']);
  expect(flagWords({ memory: '4g', privileged: true, x: false, '-p': ['1:1', '2:2'] })).toEqual([
    '--memory',
    '4g',
    '--privileged',
    '-p',
    '1:1',
    '-p',
    '2:2',
  ]);
  expect(flagWords({})).toEqual([]);
});

it.each([
  ['1024', 1024],
  ['512m', 512 * 1024 ** 2],
  ['1.5g', 1.5 * 1024 ** 3],
  ['256MiB', 256 * 1024 ** 2],
  ['10kb', 10240],
  ['x', undefined],
  ['', undefined],
  ['-1m', undefined],
])('parseSize(%j) is %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

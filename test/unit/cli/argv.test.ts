import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prepareArgv } from '../../../src/cli/argv.ts';

const split = (line: string): string[] => (line === '' ? [] : line.split(' '));

describe('exec', () => {
  it.each([
    ['exec b', 'exec -- b'],
    ['exec b npm test', 'exec -- b npm test'],
    ['exec feat/x -d --name build npm test', 'exec -d --name build -- feat/x npm test'],
    ['exec -d feat/x npm test', 'exec -d -- feat/x npm test'],
    ['exec b npm test -d', 'exec -- b npm test -d'],
    ['exec b --no-mux -- ls -la', 'exec --no-mux -- b ls -la'],
    ['exec b -- -x', 'exec -- b -x'],
    ['exec b -- a -- b', 'exec -- b a -- b'],
    ['exec b a -- b', 'exec -- b a -- b'],
    ['exec b --name=x ls --name y', 'exec --name=x -- b ls --name y'],
    ['exec b -dn build ls', 'exec -dn build -- b ls'],
    ['exec b -nbuild ls', 'exec -nbuild -- b ls'],
    ['exec b -n ls', 'exec -n ls -- b'],
    ['exec b -', 'exec -- b -'],
    ['exec b --detached top', 'exec --detached -- b top'],
    ['-C /r exec b -v ls -v', '-C /r exec -v -- b ls -v'],
    ['exec -C /r b ls', 'exec -C /r -- b ls'],
    ['--config c exec b --catalog d ls --json', '--config c exec --catalog d -- b ls --json'],
    ['exec --help', 'exec --help --'],
    ['exec -- b ls', 'exec -- b ls'],
  ])('%s', (line, wanted) => {
    expect(prepareArgv(split(line)).argv.join(' ')).toBe(wanted);
  });
  it.each(['exec b --unknown ls', 'exec b -x ls', 'exec --priviledged b', 'exec b -dx ls', 'exec b --nam x'])(
    '%s is refused with the hint --',
    line => {
      expect(() => prepareArgv(split(line))).toThrow(
        expect.objectContaining({ code: 'usage', hint: expect.stringContaining('--') as string }) as Error,
      );
    },
  );
  it('hands every word of the command on, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 6 }), words => {
        expect(prepareArgv(['exec', '-d', 'b', '--', ...words]).argv).toEqual([
          'exec',
          '-d',
          '--',
          'b',
          ...words,
        ]);
        expect(prepareArgv(['exec', 'b', 'cmd', ...words]).argv).toEqual([
          'exec',
          '--',
          'b',
          'cmd',
          ...words,
        ]);
      }),
    );
  });
});

describe('agent', () => {
  it.each([
    ['agent b claude -d -p hello', 'agent b claude -d -p hello', ''],
    ['agent -d b -- --model x -- y', 'agent -d b', '--model x -- y'],
    ['agent b claude -p -- -- x', 'agent b claude -p --', 'x'],
    ['agent b claude --prompt=-- -- x', 'agent b claude --prompt=--', 'x'],
  ])('%s', (line, argv, trailing) => {
    const prepared = prepareArgv(split(line));
    expect(prepared.argv.join(' ')).toBe(argv);
    expect(prepared.trailing.join(' ')).toBe(trailing);
  });
});

describe('run', () => {
  it.each([
    ['run b -v /a:/b', 'run b --volume /a:/b'],
    ['run b -v name:/b -v', 'run b --volume name:/b -v'],
    ['run -v b', 'run -v b'],
    ['run b --verbose', 'run b --verbose'],
    ['-v run b', '-v run b'],
  ])('%s', (line, wanted) => {
    expect(prepareArgv(split(line)).argv.join(' ')).toBe(wanted);
  });
  it('keeps what follows -- apart', () => {
    expect(prepareArgv(split('run b -- --memory 4g'))).toEqual({
      argv: ['run', 'b'],
      trailing: ['--memory', '4g'],
    });
  });
});

it('other commands are left as they are', () => {
  expect(prepareArgv(['logs', 'b', 's', '-f']).argv).toEqual(['logs', 'b', 's', '-f']);
  expect(prepareArgv([]).argv).toEqual([]);
});

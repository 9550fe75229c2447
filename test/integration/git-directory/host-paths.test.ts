import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { git, makeRepository, makeSandbox, type Sandbox } from '../../support/sandbox.ts';

interface Shown {
  branch: string;
  host_paths: Record<'alternates' | 'remotes' | 'left_out', string[]>;
}

const shown = async (box: Sandbox, branch: string): Promise<Shown['host_paths']> =>
  (JSON.parse(await box.ok('ps', '--json')) as { instances: Shown[] }).instances.find(
    i => i.branch === branch,
  )!.host_paths;

const sees = async (box: Sandbox, branch: string, file: string): Promise<boolean> =>
  (await box.hjk('exec', branch, '--no-mux', 'test', '-e', file)).code === 0;

/** A repository of the user's own that no container has a reason to see. */
function makePrivate(box: Sandbox, name = 'private'): string {
  const place = path.join(box.folder, name);
  makeRepository(place);
  return place;
}

const appendAlternate = (box: Sandbox, line: string): void => {
  const file = path.join(box.repository, '.git/objects/info/alternates');
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.appendFileSync(file, `${line}\n`);
};

describe('what a repository names only since a container of its ran is not mounted', () => {
  const ways: Record<string, (box: Sandbox, place: string) => string> = {
    'an alternate': (box, place) => (appendAlternate(box, `${place}/.git/objects`), 'README.md'),
    'any folder as an alternate': (box, place) => (appendAlternate(box, place), 'README.md'),
    'a relative alternate': (box, place) => {
      appendAlternate(box, path.relative(`${box.repository}/.git/objects`, place));
      return 'README.md';
    },
    "a remote's folder": (box, place) => (box.git('remote', 'add', 'evil', place), '.git/HEAD'),
    "a remote's file:// url": (box, place) => {
      box.git('remote', 'add', 'evil2', `file://${place.replaceAll('r', '%72')}`);
      return '.git/HEAD';
    },
    'a pushurl': (box, place) => (box.git('config', 'remote.origin.pushurl', place), '.git/HEAD'),
    insteadOf: (box, place) => (
      box.git('config', `url.${place}.insteadOf`, 'https://a.invalid/x'),
      '.git/HEAD'
    ),
    pushInsteadOf: (box, place) => {
      box.git('config', `url.${place}.pushInsteadOf`, 'https://a.invalid/x');
      return '.git/HEAD';
    },
    'a relative remote': (box, place) => {
      box.git('remote', 'add', 'evil3', path.relative(box.repository, place));
      return '.git/HEAD';
    },
  };
  it(`in none of ${String(Object.keys(ways).length)} ways of naming it, and that is said`, async () => {
    await using box = makeSandbox();
    box.git('remote', 'add', 'origin', 'https://a.invalid/x');
    await box.ok('run', 'a');
    const files = Object.values(ways).map((plant, i) => {
      const place = makePrivate(box, `private${String(i)}`);
      return path.join(place, plant(box, place));
    });
    for (const [verb, branch] of [
      ['run', 'b'],
      ['recreate', 'a'],
    ] as const) {
      const ran = await box.hjk('-v', verb, branch, ...(verb === 'recreate' ? ['--yes'] : []));
      expect(ran.code).toBe(0);
      const { left_out } = await shown(box, branch);
      for (const [i, file] of files.entries()) {
        const name = path.dirname(file).replace(/\/\.git$/, '');
        expect(ran.stderr, Object.keys(ways)[i]).toContain(name);
        expect(left_out.some(place => place.startsWith(name))).toBe(true);
      }
      const inside = await box.hjk(
        'exec',
        branch,
        '--no-mux',
        'sh',
        '-c',
        `ls -d ${files.join(' ')} 2>/dev/null`,
      );
      expect(inside.stdout).toBe('');
    }
  });
  it("an alternate of a recorded alternate, and a link put in a recorded one's place", async () => {
    await using box = makeSandbox();
    const lent = makePrivate(box, 'lent');
    const place = makePrivate(box);
    const link = path.join(box.folder, 'link');
    fs.symlinkSync(lent, link);
    appendAlternate(box, path.join(link, '.git/objects'));
    await box.ok('run', 'a');
    expect(await sees(box, 'a', path.join(link, '.git/objects'))).toBe(true);
    fs.writeFileSync(path.join(lent, '.git/objects/info/alternates'), `${place}/.git/objects\n`);
    await box.ok('recreate', 'a', '--yes');
    expect(await sees(box, 'a', path.join(place, '.git/objects'))).toBe(false);
    fs.rmSync(link);
    fs.symlinkSync(place, link);
    await box.ok('recreate', 'a', '--yes');
    expect(await sees(box, 'a', path.join(link, '.git/objects'))).toBe(false);
  });
  it('also where all instances are removed meanwhile, and where another state root had them', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'a');
    const place = makePrivate(box);
    appendAlternate(box, `${place}/.git/objects`);
    const other = { ...box, env: { ...box.env, HEADJACK_PROFILE: 'other' } };
    await new Promise(resolve => {
      box.spawn(['run', 'z'], { env: other.env, stdio: 'ignore' }).on('close', resolve);
    });
    const { code } = await new Promise<{ code: number | null }>(resolve => {
      box
        .spawn(['exec', 'z', '--no-mux', 'test', '-e', `${place}/.git/objects`], {
          env: other.env,
          stdio: 'ignore',
        })
        .on('close', c => {
          resolve({ code: c });
        });
    });
    await new Promise(resolve => {
      box.spawn(['rm', 'z', '--force'], { env: other.env, stdio: 'ignore' }).on('close', resolve);
    });
    expect(code).toBe(1);
    await box.ok('rm', 'a', '--yes');
    await box.ok('run', 'a');
    expect(await sees(box, 'a', `${place}/.git/objects`)).toBe(false);
  });
  it('the user can allow it, by name; run of an instance without it says how', async () => {
    await using box = makeSandbox();
    await box.ok('run', 'a');
    const place = makePrivate(box);
    box.git('remote', 'add', 'mine', place);
    expect(await box.hjk('run', 'a', '--allow-path', place)).toMatchObject({ code: 4 });
    await box.ok('recreate', 'a', '--yes', '--allow-path', '../private');
    expect(await sees(box, 'a', `${place}/.git/HEAD`)).toBe(true);
    expect(await shown(box, 'a')).toEqual({ alternates: [], remotes: [`${place}/.git`], left_out: [] });
    await box.ok('run', 'a', '--allow-path', place);
    // a folder that nothing names is not mounted by it
    await box.ok('run', 'b', '--allow-path', box.home);
    expect((await shown(box, 'b')).remotes).toEqual([`${place}/.git`]);
    expect(await box.hjk('run', 'c', '--allow-path', path.join(box.folder, 'none'))).toMatchObject({
      code: 2,
    });
  });
});

it('what a repository named before its first container is mounted, is shown, and stays so', async () => {
  await using box = makeSandbox();
  const lent = makePrivate(box, 'lent');
  const remote = path.join(box.folder, 'remote.git');
  git(box.folder, 'clone', '-q', '--bare', box.repository, remote);
  appendAlternate(box, `${lent}/.git/objects`);
  box.git('remote', 'add', 'origin', remote);
  const ran = await box.hjk('-v', 'run', 'a');
  expect(ran.stderr).toContain(remote);
  await box.ok('recreate', 'a', '--yes');
  expect(await shown(box, 'a')).toEqual({
    alternates: [`${lent}/.git/objects`],
    remotes: [remote],
    left_out: [],
  });
  expect(await sees(box, 'a', `${lent}/.git/objects`)).toBe(true);
});

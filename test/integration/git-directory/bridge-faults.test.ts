import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChanged } from '../../../src/git-directory/bridge/has-changed.ts';
import type { BridgeSubject } from '../../../src/git-directory/bridge/subject.ts';
import { runPass } from '../../../src/git-directory/bridge/pass.ts';
import { makeTwoSides, type TwoSides } from '../../support/own-git-directory.ts';
import { git, makeRepository } from '../../support/sandbox.ts';

class Killed extends Error {}

/**
 * A pass that stops dead before its n-th effect: nothing that it would do to clean up is done, and what it holds is a dead process's.
 * True where it came to its end.
 */
async function passKilledAt(sides: TwoSides, killAt: number): Promise<boolean> {
  let effects = 0;
  let dead = false;
  const effect = (): void => {
    if (dead || ++effects === killAt) {
      dead = true;
      throw new Killed();
    }
  };
  const names = ['renameSync', 'linkSync', 'rmSync', 'writeFileSync'] as const;
  const calls = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
  const real = Object.fromEntries(names.map(name => [name, calls[name]!]));
  for (const name of names)
    calls[name] = (...args) => {
      effect();
      return real[name]!(...args);
    };
  const { git: host, inside } = sides.subject;
  const subject: BridgeSubject = {
    ...sides.subject,
    git: {
      ...host,
      try: (args, options) => (effect(), host.try(args, options)),
      text: (args, options) => (effect(), host.text(args, options)),
    },
    inside: {
      ...inside,
      exec: { ...inside.exec, start: request => (effect(), inside.exec.start(request)) },
    },
  };
  try {
    await runPass(subject, { randomHex: bytes => String(killAt).padStart(bytes * 2, '0') });
    return true;
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    return false;
  } finally {
    for (const name of names) calls[name] = real[name]!;
    const objects = path.join(host.commonDir, 'objects');
    for (const left of fs.readdirSync(objects).filter(name => name.startsWith('tmp_objdir-hjk-')))
      fs.renameSync(
        path.join(objects, left),
        path.join(objects, left.replace(`hjk-${process.pid}-`, 'hjk-99999999-')),
      );
    for (const lock of [`${subject.stateFile}.lock`, path.join(subject.metadata!, 'index.lock')])
      if (fs.existsSync(lock))
        fs.writeFileSync(
          lock,
          fs.readFileSync(lock, 'utf8').replace(`"pid":${process.pid},`, '"pid":99999999,'),
        );
  }
}

/** The same subject, whose container answers with what a shell line prints. */
function answering(sides: TwoSides, line: string): BridgeSubject {
  const { exec } = sides.subject.inside;
  return {
    ...sides.subject,
    inside: {
      ...sides.subject.inside,
      exec: { ...exec, start: request => exec.start({ ...request, command: ['sh', '-c', line] }) },
    },
  };
}

const both = (sides: TwoSides): string[] => [
  sides.host('status', '--porcelain'),
  sides.inside('git status --porcelain'),
];

describe('the bridge, killed and raced', () => {
  it('is finished by the next pass wherever it was killed on the way out', async () => {
    await using sides = makeTwoSides();
    await sides.pass();
    for (let killAt = 1; ; killAt++) {
      const tip = sides.inside(`echo ${killAt} >f; git add f; git commit -qm ${killAt}; git rev-parse HEAD`);
      const whole = await passKilledAt(sides, killAt);
      await sides.pass();
      expect(sides.tips(), `killed before effect ${killAt}`).toEqual({ host: tip, inside: tip });
      expect(both(sides), `killed before effect ${killAt}`).toEqual(['', '']);
      if (whole) break;
    }
    expect(sides.host('fsck', '--connectivity-only')).toBe('');
    const objects = path.join(sides.repository, '.git/objects');
    expect(fs.readdirSync(objects).filter(name => name.startsWith('tmp_'))).toEqual([]);
  });

  it('is finished by the next pass wherever it was killed on the way in', async () => {
    await using sides = makeTwoSides();
    await sides.pass();
    for (let killAt = 1; ; killAt++) {
      fs.writeFileSync(path.join(sides.worktree, 'f'), `${killAt}\n`);
      sides.host('add', 'f');
      sides.host('commit', '-qm', `host ${killAt}`);
      const tip = sides.host('rev-parse', 'HEAD');
      const whole = await passKilledAt(sides, killAt);
      await sides.pass();
      expect(sides.tips(), `killed before effect ${killAt}`).toEqual({ host: tip, inside: tip });
      expect(both(sides), `killed before effect ${killAt}`).toEqual(['', '']);
      if (whole) break;
    }
  });

  it('loses nothing while both sides commit and passes run all the time', async () => {
    await using sides = makeTwoSides();
    await sides.pass();
    sides.inside(
      '(i=0; while [ $i -lt 25 ]; do i=$((i+1)); git commit -q --allow-empty -m in-$i; done; echo >/tmp/done) >/dev/null 2>&1 &',
    );
    for (let i = 1; i <= 12; i++) {
      await sides.pass();
      sides.host('commit', '-q', '--allow-empty', '-m', `host-${i}`);
    }
    sides.inside('while [ ! -e /tmp/done ]; do sleep 0.1; done');
    const { state } = await sides.pass();
    if (state.problem !== null) sides.inside('git merge -q -m merged host/feat');
    await sides.pass();
    const { host, inside } = sides.tips();
    expect(host).toBe(inside);
    const subjects = sides.host('log', '--format=%s', 'feat').split('\n');
    for (let i = 1; i <= 12; i++) expect(subjects).toContain(`host-${i}`);
    // a commit of a git inside fails where its branch moves under it, as it would beside any other git
    expect(subjects.filter(subject => subject.startsWith('in-')).length).toBeGreaterThan(0);
    expect(both(sides)).toEqual(['', '']);
  });

  it('neither brings back a branch that was deleted here, nor moves one that is checked out elsewhere', async () => {
    await using sides = makeTwoSides();
    await sides.pass();
    const before = sides.tips().host;
    sides.host('switch', '-q', '--detach');
    git(sides.repository, 'switch', '-q', 'feat');
    const tip = sides.inside('git commit -q --allow-empty -m in; git rev-parse HEAD');
    expect((await sides.pass()).state.problem?.kind).toBe('checked-out-elsewhere');
    expect(sides.tips().host).toBe(before);
    git(sides.repository, 'switch', '-q', 'main');
    git(sides.repository, 'update-ref', '-d', 'refs/heads/feat');
    expect((await sides.pass()).state.problem?.kind).toBe('gone-on-host');
    expect(() => sides.host('rev-parse', '--verify', '-q', 'refs/heads/feat')).toThrow();
    expect(sides.host('rev-parse', `refs/headjack/instances/${sides.subject.instanceId}/feat`)).toBe(tip);
  });

  it("keeps what the container builds on from the host's gc", async () => {
    await using sides = makeTwoSides();
    git(sides.repository, 'branch', 'tmp');
    git(
      sides.repository,
      'update-ref',
      'refs/heads/tmp',
      git(sides.repository, 'commit-tree', '-m', 't', '-p', 'main', 'main^{tree}').trim(),
    );
    await sides.pass();
    await sides.pass();
    sides.inside('git switch -q -c on-tmp tmp; git commit -q --allow-empty -m built; git switch -q feat');
    git(sides.repository, 'branch', '-D', 'tmp');
    await sides.pass();
    git(sides.repository, 'reflog', 'expire', '--expire=now', '--all');
    git(sides.repository, 'gc', '-q', '--prune=now');
    expect(sides.inside('git log --format=%s -2 on-tmp; git fsck --connectivity-only')).toBe('built\nt');
  });
});

describe('a container that lies to the bridge', () => {
  let sides: TwoSides;
  beforeAll(() => {
    sides = makeTwoSides();
  });
  afterAll(() => sides[Symbol.asyncDispose]());
  const oid = 'a'.repeat(40);
  it.each([
    ['says something else for ever', 'yes'],
    ['never ends a line', 'tr "\\0" x </dev/zero'],
    ['gives a tip that is no object name', 'echo "hjk1 ../../x refs/heads/feat"; echo .'],
    ['gives a tip of another length', `echo "hjk1 ${oid}aa refs/heads/feat"; echo .`],
    ['has a word too many', `echo "hjk1 ${oid} refs/heads/feat --upload-pack=x"; echo .`],
    ['lists refs for ever', `echo "hjk1 ${oid} refs/heads/feat"; yes "${oid} refs/heads/x"`],
    ['breaks off', `printf "hjk1 ${oid}"`],
    ['names a commit of another repository', `echo "hjk1 ${oid} refs/heads/feat"; echo .`],
    ['sends what is no pack', `echo "hjk1 ${oid} refs/heads/feat"; echo .; yes`],
    [
      'sends a pack of four thousand million objects',
      `echo "hjk1 ${oid} refs/heads/feat"; echo .; printf 'PACK\\0\\0\\0\\2\\377\\377\\377\\377'; cat /dev/zero`,
    ],
    [
      'sends a pack without an end',
      `echo "hjk1 ${oid} refs/heads/feat"; echo .; printf 'PACK\\0\\0\\0\\2\\0\\0\\1\\0'; cat /dev/zero`,
    ],
    ['sends nothing', 'true'],
  ])('%s: nothing of it is taken, in bounded memory', async (_what, line) => {
    await sides.pass();
    const refs = sides.host('for-each-ref');
    const objects = fs.readdirSync(path.join(sides.repository, '.git/objects')).sort();
    const before = process.memoryUsage().rss;
    const report = await runPass(answering(sides, line), {
      always: true,
      randomHex: bytes => 'b'.repeat(bytes * 2),
    });
    expect(report.state.problem?.kind).toBe('refused');
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 ** 2);
    expect(sides.host('for-each-ref')).toBe(refs);
    expect(fs.readdirSync(path.join(sides.repository, '.git/objects')).sort()).toEqual(objects);
    // and the next word is heard again
    const tip = sides.inside('git commit -q --allow-empty -m honest; git rev-parse HEAD');
    await sides.pass();
    expect(sides.tips().host).toBe(tip);
  });

  it('cannot bring a tree with .git in it, a commit whose files are missing, or a new link to a nested repository', async () => {
    await using sides = makeTwoSides();
    await sides.pass();
    const before = sides.tips().host;
    const commit = (tree: string): string =>
      `git update-ref refs/heads/feat $(git commit-tree -m bad -p ${before} ${tree})`;
    sides.inside(
      `b=$(echo x | git hash-object -w --stdin); t=$(printf "100644 .GIT\\0" | { cat; printf %s $b | sed 's/../\\\\\\\\x&/g' | xargs -0 printf; } | git hash-object -w -t tree --literally --stdin); ${commit('$t')}`,
    );
    expect((await sides.pass()).state.problem?.kind).toBe('refused');
    sides.inside(
      `b=$(echo gone | git hash-object -w --stdin); t=$(printf "100644 blob $b\\tf\\n" | git mktree); ${commit('$t')}; rm -f /run/headjack/git/objects/$(echo $b | cut -c1-2)/$(echo $b | cut -c3-)`,
    );
    expect((await sides.pass()).state.problem?.kind).toBe('refused');
    sides.inside(`t=$(printf "160000 commit ${before}\\tnested\\n" | git mktree); ${commit('$t')}`);
    const linked = await sides.pass();
    expect(linked.state.problem).toEqual({
      kind: 'gitlink',
      text: 'a nested repository is linked at nested',
    });
    expect(sides.tips().host).toBe(before);
    const allowed = await sides.pass({ always: true, allowLinks: true });
    expect(allowed.state.problem).toBeNull();
    expect(sides.tips().host).toBe(sides.tips().inside);
  });

  it('cannot make the look at its files hang or lead elsewhere', async () => {
    await using sides = makeTwoSides();
    await sides.pass();
    const elsewhere = path.join(sides.folder, 'elsewhere');
    makeRepository(elsewhere);
    sides.inside(
      'cd /run/headjack/git; mv refs refs-away; ln -s /proc refs; rm -f packed-refs HEAD; mkfifo packed-refs HEAD',
    );
    const look = { ...sides.subject, commonDir: sides.subject.git.commonDir };
    expect(hasChanged(look)).toBe(true);
    sides.inside('cd /run/headjack/git; rm -f refs; mkdir -p refs; mkfifo refs/heads');
    expect(hasChanged(look)).toBe(true);
  });
});

import fs from 'node:fs';
import path from 'node:path';
import { cli } from '../../support/sandbox.ts';
import { forEach, runningScript, type Attack, type Kind, type Place } from '../attack.ts';

/** Shows a session of this attack's to somebody at a terminal for a moment. Gives what their terminal was sent. */
async function screenOf(place: Place, attack: Attack): Promise<string> {
  const { world, branch } = place;
  await world.hjk(['exec', branch, '-d', '-n', 'seen', 'sh', '-c', runningScript(attack)]);
  const typed = `${cli} attach ${branch} seen`;
  const ran = await world.run(['timeout', '4', 'script', '-qefc', typed, '/dev/null'], {
    cwd: world.repository,
    limitMs: 20_000,
  });
  await world.hjk(['kill', `${branch}/seen`]);
  return ran.output;
}

/** Sequences that act beyond the session's own part of the screen. */
const beyond: readonly (readonly [string, string, RegExp])[] = [
  ['the clipboard', '\\033]52;c;UFdORUQ=\\007', /52;c;UFdORUQ/],
  [
    'the title',
    '\\033]0;PWNED-TITLE\\007\\033]2;PWNED-TITLE\\007\\033kPWNED-TITLE\\033\\\\',
    /\u001b\][0-2];[^\u0007]*PWNED-TITLE/,
  ],
  ['tmux’s passthrough', '\\033Ptmux;\\033\\033]52;c;UFdORUQ=\\007\\033\\\\', /52;c;UFdORUQ/],
  [
    'a link and a notification',
    '\\033]9;PWNED\\007\\033]777;notify;PWNED;x\\007\\033]1337;File=name=PWNED:x\\007',
    /\u001b\](9|777|1337);[^\u0007]*PWNED/,
  ],
  [
    'printer, reports and device control',
    '\\033[5i PWNED \\033[4i\\033P$qPWNED\\033\\\\\\033P+qPWNED\\033\\\\\\033_PWNED\\033\\\\',
    /\u001b\[5i|\u001b[P_][^\u001b]*PWNED/,
  ],
];

const screens = forEach(beyond, ([what, bytes, sent]) => {
  const attack: Attack = {
    name: `a session that writes to ${what}`,
    running: `while :; do printf '${bytes}'; sleep 0.3; done`,
    check: async place =>
      sent.test(await screenOf(place, attack)) ? ['its sequence reaches the terminal'] : [],
  };
  return attack;
});

const sessionFolder = '/run/headjack';

export const sessions: Kind = {
  kind: 'sessions, logs and programs',
  attacks: [
    ...screens,
    ...forEach(
      [
        ['processes that are not its own', 'echo 1', true],
        ['every process', 'echo -1', false],
        ['garbage', 'printf "\\033]0;PWNED\\007 $(kill 1) ; id"', false],
        ['a million lines', 'yes 1 | head -1000000', false],
      ] as const,
      ([what, script, short]) => ({
        name: `files in ${sessionFolder} that name ${what}`,
        short,
        running: `while :; do for f in ${sessionFolder}/* ${sessionFolder}/*/*; do [ -f "$f" ] && ${script} >"$f"; done; for n in $HEADJACK_SESSION_ID x; do for e in pid exit code start ready; do ${script} >"${sessionFolder}/$n.$e"; done; done; sleep 0.2; done`,
      }),
    ),
    {
      name: `files in ${sessionFolder} that are FIFOs, links and folders`,
      alone: true,
      running: `i=0; while :; do for n in $HEADJACK_SESSION_ID; do for e in pid exit code start; do f="${sessionFolder}/$n.$e"; rm -rf "$f"; case $((i%3)) in 0) mkfifo "$f";; 1) ln -s /dev/zero "$f";; 2) mkdir "$f";; esac; done; done; for f in ${sessionFolder}/*; do [ -f "$f" ] && rm -f "$f" && mkfifo "$f"; done; i=$((i+1)); sleep 0.1; done`,
    },
    {
      name: `${sessionFolder} replaced by a link`,
      inside: `rm -rf ${sessionFolder}; mv ${sessionFolder} /run/hj2; ln -sfn "$H" ${sessionFolder}; mkdir -p /headjack; rm -rf /headjack; ln -sfn "$H" /headjack`,
    },
    {
      name: 'programs that carry the mark of other sessions and operations',
      running: `for i in 1 2 3 4 5; do HEADJACK_SESSION_ID=1 HEADJACK_OPERATION=$i sh -c 'trap "" TERM HUP INT; sleep 1000' & done; env -i sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' & setsid env -i sleep 1000 & sleep 1000`,
    },
    {
      name: 'programs that stop themselves, and multiply when they are ended',
      running: `trap 'for i in 1 2 3; do setsid env -i sh -c "trap \\"\\" TERM HUP; sleep 300" & done' TERM HUP; (kill -STOP $$) & i=0; while [ $i -lt 40 ]; do (trap '' TERM; setsid sleep 500) & i=$((i+1)); done; while :; do sleep 1; done`,
    },
    {
      name: 'programs whose names confuse who reads /proc',
      running: `for n in ') S 1 1 1' 'a b) R (c' '(' ')' "$(printf 'nl\\nS 1')" '-1' '../../1' '$(id)'; do cp /bin/busybox "/tmp/$n"; printf '#!/bin/sh\\nsleep 1000 &\\nwait\\n' >"/tmp/x$n"; chmod 755 "/tmp/x$n"; "/tmp/x$n" & done; exec sleep 1000`,
    },
    {
      name: 'a flood of output',
      short: true,
      running: `head -c 60000000 /dev/zero | tr '\\0' x; yes | head -c 40000000; sleep 1000`,
      check: async (place, word) => logsStayBounded(place, word),
    },
    {
      name: 'one line of cursor moves',
      running: `i=0; while [ $i -lt 20000 ]; do printf '\\033[999999999C\\033[99999999Gx\\033[2147483647;2147483647H\\r'; i=$((i+1)); done; sleep 1000`,
      check: async (place, word) => logsStayBounded(place, word),
    },
    {
      name: 'logs of bytes that are no text',
      running: `head -c 3000000 /dev/urandom; printf '\\000\\377\\376\\033]0;PWNED\\007\\033[31mPWNED\\302\\2330;PWNED\\n'; sleep 1000`,
      check: async (place, word) => logsStayBounded(place, word),
    },
    {
      name: 'a session that ends and begins as fast as it can',
      running: `exec sh -c 'exit 7'`,
      check: async ({ world, branch }) => {
        for (let i = 0; i < 4; i++)
          await world.hjk(['exec', branch, '-d', '-n', `quick${String(i)}`, 'true']);
        return [];
      },
    },
    {
      name: 'the folders of the state root as seen from inside',
      short: true,
      inside: `for d in "$H/.local/share/headjack" "$H/.config/headjack" /headjack; do for f in catalog.json logs instances run config/config.yaml; do mkdir -p "$d/$(dirname $f)"; rm -rf "$d/$f"; ln -s "$K" "$d/$f"; echo x >>"$d/$f"; done; done`,
      check: ({ world }) =>
        Promise.resolve(
          fs.lstatSync(path.join(world.stateRoot, 'catalog.json')).isFile()
            ? []
            : ['the catalog was replaced'],
        ),
    },
  ],
};

/** What `hjk logs` prints of it in its ways, in bounded time and memory (the victim's limits), and without control characters. */
async function logsStayBounded({ world, branch }: Place, word: string): Promise<string[]> {
  const faults: string[] = [];
  const name = word.slice(0, 60);
  await new Promise(resolve => setTimeout(resolve, 1500));
  for (const words of [[], ['-n', '5'], ['--full']]) {
    const ran = await world.hjk(['logs', branch, name, ...words]);
    if (ran.hung !== undefined) faults.push(`${ran.command} hung`);
    if (ran.code !== 0)
      faults.push(`${ran.command} ended with ${String(ran.code)}: ${ran.output.slice(0, 200)}`);
    if (/[\u001b\u009b\u009d]/.test(ran.output)) faults.push(`${ran.command} prints control characters`);
  }
  return faults;
}

export const floods: Kind = {
  kind: 'floods',
  attacks: [
    {
      name: 'twenty thousand files',
      alone: true,
      inside: `cd "$W"; mkdir many; cd many; i=0; while [ $i -lt 200 ]; do mkdir $i; (cd $i; seq 1 100 | xargs touch); i=$((i+1)); done`,
    },
    {
      name: 'files that are huge and empty',
      short: true,
      inside: `cd "$W"; truncate -s 7T big; truncate -s 2G README.md; mkdir -p .devcontainer; truncate -s 20G .devcontainer/devcontainer.json .gitattributes`,
    },
    {
      name: 'five thousand branches and tags',
      alone: true,
      inside: `h=$(git rev-parse HEAD); i=0; while [ $i -lt 2500 ]; do echo "create refs/heads/flood/$i $h"; echo "create refs/tags/flood-$i $h"; i=$((i+1)); done | git update-ref --stdin; git commit -q --allow-empty -m flood`,
      check: ({ world }) =>
        world
          .run(['git', 'for-each-ref', '--format=%(refname)'], { cwd: world.repository })
          .then(({ output }) => {
            const got = output
              .split('\n')
              .filter(ref => ref.startsWith('refs/heads/flood') || ref.startsWith('refs/tags/flood'));
            return got.length > 200 ? [`${String(got.length)} refs of it in the repository`] : [];
          }),
    },
    {
      name: 'a message, an author and a reflog of 30 MB',
      alone: true,
      inside: `head -c 30000000 /dev/zero | tr '\\0' m >/tmp/m; git commit -q --allow-empty -F /tmp/m; for d in $DIRS; do cat /tmp/m >>"$d/logs/HEAD"; cat /tmp/m /tmp/m >>"$d/config"; cat /tmp/m >>"$d/info/attributes"; cat /tmp/m >>"$d/MERGE_MSG"; done; cp /tmp/m .gitmodules; cp /tmp/m .gitattributes; git add .gitmodules; git commit -qm modules`,
    },
    {
      name: 'a commit of 300 MB',
      alone: true,
      inside: `cd "$W"; head -c 300000000 /dev/zero >zero; head -c 60000000 /dev/urandom >random; git add zero random; git commit -qm big`,
    },
    {
      name: 'a tree a thousand folders deep',
      inside: `cd "$W"; i=0; while [ $i -lt 1000 ]; do mkdir d; cd d || break; i=$((i+1)); done; echo deep >file; cd "$W"; git add d; git commit -qm deep -- d`,
    },
    {
      name: 'JSON a million brackets deep',
      inside: `cd "$W"; mkdir -p .devcontainer; head -c 1000000 /dev/zero | tr '\\0' '[' >.devcontainer/devcontainer.json; git add .devcontainer; git commit -qm deep -- .devcontainer`,
    },
    {
      name: 'three hundred programs',
      running: `i=0; while [ $i -lt 300 ]; do sleep 1000 & i=$((i+1)); done; wait`,
    },
    {
      name: 'all the memory that the container may have',
      running: `exec sh -c 'head -c 300000000 /dev/zero | sort >/dev/null; sleep 1000'`,
    },
  ],
};

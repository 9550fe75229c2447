import { forEach, type Kind } from '../attack.ts';

/** As `printf` writes them. */
const payloads: readonly (readonly [string, string])[] = [
  ['a title', '\\033]0;PWNED\\007'],
  ['the clipboard', '\\033]52;c;PWNED\\007'],
  ['colour and clearing', '\\033[2J\\033[31mPWNED'],
  ['C1 controls', '\\302\\233PWNED\\302\\235PWNED'],
  ['bidi', '\\342\\200\\256PWNED\\330\\234PWNED\\342\\201\\246PWNED'],
  ['line separators', '\\342\\200\\250PWNED\\342\\200\\251PWNED\\nPWNED\\rPWNED'],
  ['bytes that are no UTF-8', '\\377\\376PWNED\\200'],
];

export const names: Kind = {
  kind: 'names and escape sequences',
  attacks: [
    ...forEach(payloads, ([what, bytes]) => ({
      name: `files, folders and links named with ${what}`,
      short: what === 'a title',
      inside: `cd "$W"; n="$(printf 'f${bytes}')"; echo x >"$n"; mkdir -p "d$n/$n"; echo x >"d$n/$n/$n"; ln -s "$n" "l$n"; git init -q "r$n"; echo x >"r$n/x"; mkfifo "p$n"; git add "$n"; for d in $DIRS; do echo x >"$d/$n"; mkdir -p "$d/worktrees/$n" "$d/refs/heads/$n"; done; mkdir "bare$n"; git init -q --bare "bare$n/x"`,
    })),
    ...forEach(payloads, ([what, bytes]) => ({
      name: `commits, authors and tags with ${what}`,
      inside: `t="$(printf '${bytes}')"; git -c user.name="n$t" -c user.email="e$t@x" commit -q --allow-empty -m "s$t" -m "b$t"; git tag -a -m "$t" "$N"; git checkout -q --detach; git -c user.name="n$t" commit -q --allow-empty -m "detached$t"; git checkout -q "$B"; git stash push -q -m "$t"; git config user.name "n$t"; git config branch.$B.description "$t"; git branch "$(printf 'x${bytes}')"`,
    })),
    {
      name: 'programs with control characters in their names',
      running: `n="$(printf '/tmp/PWNED\\033]0;PWNED\\007')"; cp /bin/busybox "$n"; printf '#!/bin/sh\\nsleep 1000\\n' >"$n.sh"; chmod 755 "$n.sh"; "$n.sh" "$(printf '\\033]0;PWNED\\007')" & printf '\\033]0;PWNED\\007\\033]52;c;PWNED\\007\\033Ptmux;\\033\\033]0;PWNED\\007\\033\\\\'; sleep 1000`,
    },
    {
      name: 'names that are options, globs and commands',
      short: true,
      inside: `cd "$W"; for n in -rf --force -- '*' '?' '[a]' ':(top)x' ':(glob)**' ':!x' '$(touch x)' '\`id\`' 'a;b' 'a|b' 'a&b' '~' '~root' '%s%n' "a'b" 'a"b' '\\\\' ' ' '...' 'con' '-C' "--git-dir=$P/.git" '--exec-path=.'; do echo x >"./$n"; mkdir -p "./d$n/$n"; git add -- "./$n"; done`,
    },
    {
      name: 'names of 255 bytes, and trees deeper than a path can be',
      inside: `cd "$W"; n=$(head -c 255 /dev/zero | tr '\\0' x); echo x >"$n"; i=0; while [ $i -lt 60 ]; do mkdir "$n-d" 2>/dev/null || mkdir -p y$(echo $n | cut -c3-); cd y$(echo $n | cut -c3-) || break; i=$((i+1)); done; echo deep >file`,
    },
  ],
};

const forms: readonly (readonly [string, string])[] = [
  ['a FIFO', 'mkfifo "$f"'],
  ['endless', 'ln -s /dev/zero "$f"'],
  ['huge', 'truncate -s 20G "$f"'],
  ['a loop', 'ln -s "$f" "$f"'],
  ['a folder', 'mkdir "$f"'],
];

export const files: Kind = {
  kind: 'FIFOs, devices and links',
  attacks: [
    ...forEach(forms, ([what, make]) => ({
      name: `what git and hjk read in a worktree is ${what}`,
      alone: true,
      short: what === 'a FIFO',
      inside: `cd "$W"; for f in .gitignore .gitattributes .gitmodules .mailmap .devcontainer.json .lfsconfig .devcontainer/devcontainer.json .devcontainer/Dockerfile .devcontainer/x/devcontainer.json; do mkdir -p "$(dirname "$f")"; rm -rf "$f"; ${make}; done; mkdir -p below; f=below/.gitignore; ${make}`,
    })),
    {
      name: 'tracked files that became FIFOs, sockets and devices',
      inside: `cd "$W"; rm -f README.md; mkfifo README.md; mknod null c 1 3; mknod zero c 1 5; mknod disk b 8 0; mknod kmsg c 1 11; mkfifo pipe; nc -lU sock & sleep 1`,
    },
    {
      name: 'links to the home in the place of files and folders',
      short: true,
      inside: `cd "$W"; ln -s "$KD" folder; ln -s "$K" file; rm -rf sub; ln -s "$KD" sub; mkdir -p real; echo x >real/keep; git add real; git commit -qm x -- real; rm -rf real; ln -s "$KD" real; ln -s "$H" home; ln -s / root; ln -s ../../../../../../.. up; for i in 1 2 3; do ln -s "$KD" "$i"; done`,
    },
    {
      name: 'files with every right, and of other owners',
      short: true,
      inside: `cd "$W"; cp /bin/busybox suid; chmod 6777 suid; chown 0:0 suid; chmod 6777 suid; chown 12345:12345 README.md; mkdir -p closed/below; echo x >closed/below/file; chmod 000 closed/below closed; mkdir sticky; chmod 1777 sticky; chattr +i README.md`,
    },
    {
      name: 'hard links of what is masked',
      inside: `cd "$W"; ln "$G/config" hard; ln "$G/HEAD" hard2; ln .git hard3; ln "$M/config" hard4; for d in $DIRS; do ln "$d/HEAD" "$d/hard"; ln "$G/config" "$d/hard"; done; [ -e hard ] && echo x >>hard`,
    },
    {
      name: 'a folder that turns into a link and back, while the victim works',
      short: true,
      running: `cd "$W"; mkdir -p swap/notes; echo x >swap/notes/keep; echo x >swap/keep; while :; do mv swap swap-real; ln -s "$KD" swap; rm -f swap; mv swap-real swap; done`,
    },
    {
      name: 'files that appear as fast as they are deleted',
      running: `cd "$W"; i=0; while :; do i=$((i+1)); mkdir -p "grow/$((i%50))"; echo $i >"grow/$((i%50))/$((i%500))"; rm -f pipe; mkfifo pipe; ln -sfn "$KD" "grow/link"; done`,
    },
  ],
};

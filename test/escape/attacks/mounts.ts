import { forEach, makeFake, type Kind } from '../attack.ts';

const everywhere = (script: string): string => `for d in $DIRS "$M"; do ( ${script} ); done`;

const remoteIsWritten = 'remotes that are folders of this machine';

export const mounts: Kind = {
  kind: 'mounts, alternates and remotes',
  attacks: [
    ...forEach(
      [
        ['the home', '"$H"'],
        ['another repository', '"$P/.git/objects" "$P" "$F"'],
        ["the engine's socket", '/var/run /run /var/run/docker.sock'],
        ['the root, relative and quoted', '/ ../../../../../.. \'"\\057"\' "#x" "$H/../home"'],
      ] as const,
      ([name, paths]) => ({
        name: `alternates that name ${name}`,
        short: name === 'the home',
        inside: everywhere(
          `mkdir -p "$d/objects/info"; for p in ${paths}; do echo "$p" >>"$d/objects/info/alternates"; echo "$p" >>"$d/objects/info/http-alternates"; done`,
        ),
      }),
    ),
    {
      name: 'remotes that are folders of the host',
      short: true,
      inside: `for p in "$H" "$P" "$F" "$P/.git" "file://$P" "../../../../../../../other"; do git remote add "r$(echo "$p" | tr -dc a-z0-9)" "$p"; git config remote.origin.url "$p"; git config --add remote.origin.pushurl "$p"; done; ${everywhere('git config --file "$d/config" remote.evil.url "$P"; git config --file "$d/config" url."$P".insteadOf "$M"; git config --file "$d/config" core.worktree "$H"; mkdir -p "$d/remotes" "$d/branches"; echo "URL: $P" >"$d/remotes/evil"; echo "$P" >"$d/branches/evil"')}`,
    },
    {
      name: "the remote's reflogs and refs are links",
      open: remoteIsWritten,
      inside: `cd "$M"; for f in logs/refs/heads/main logs/refs/heads/precious logs/HEAD; do mkdir -p "$(dirname $f)"; ln -sf "$K" "$f"; done; rm -f refs/heads/evil; ln -s "$K" refs/heads/evil; ln -s "$KD" refs/heads/folder`,
    },
    {
      name: "the remote's commondir, worktree configuration and hooks",
      short: true,
      inside: `${makeFake}cd "$M"; echo "$FAKE" >commondir; cp "$FAKE/config" config.worktree; evil >>config; cp -L "$FAKE"/hooks/* hooks/; mv hooks hooks2; mv config config2; cp "$FAKE/config" config`,
    },
    {
      name: "the remote's folders of objects are links",
      open: remoteIsWritten,
      inside: `cd "$M"; i=0; while [ $i -lt 256 ]; do h=$(printf %02x $i); [ -e objects/$h ] || ln -s "$KD" objects/$h; i=$((i+1)); done; mv objects/pack objects/pack2 && ln -s "$KD" objects/pack; rm -f FETCH_HEAD gc.log gc.pid packed-refs.new; ln -s "$K" gc.log; ln -s "$K" gc.pid; ln -s "$K" objects/info/packs; ln -s "$K" info/refs`,
    },
    {
      name: 'a FIFO in the remote',
      alone: true,
      inside: `cd "$M"; mkfifo refs/heads/evil objects/info/alternates locked shallow`,
    },
    {
      name: '/workspace and the worktree as something else',
      inside: `rm -rf /workspace; ln -sfn / /workspace; mv "$W" "$W-moved"; mount --bind /tmp "$W"; mount -t tmpfs x "$W"; mkdir -p "$W-moved"; umount "$W"; umount -l "$G"; umount -l "$G/config" "$G/hooks"; mount -o remount,rw,bind "$G/config"; mount -o remount,rw "$G/hooks"`,
    },
    {
      name: 'devices, namespaces and the kernel',
      short: true,
      inside: `mknod /tmp/disk b 259 0; mknod /tmp/disk2 b 8 0; head -c 512 /tmp/disk; mknod "$W/disk" b 8 1; nsenter -t 1 -m sh -c "echo x >>$K"; echo "|$X" >/proc/sys/kernel/core_pattern; echo b >/proc/sysrq-trigger; chroot /proc/1/root sh -c "echo x >>$K"; echo x >/proc/1/root/$K; unshare -Urm sh -c "umount -a; echo x >>$K"; mkdir /tmp/cg; mount -t cgroup -o memory x /tmp/cg && echo "$X" >/tmp/cg/release_agent; echo "$X" >/sys/kernel/uevent_helper; echo "$X" >/sys/fs/cgroup/release_agent; echo "$X" >/proc/sys/kernel/modprobe; kill -9 -1`,
    },
    {
      name: 'the configuration of the dev container changed inside',
      short: true,
      inside: `mkdir -p "$W/.devcontainer"; printf '{"image":"hjk-test:base","initializeCommand":"%s","mounts":["source=%s,target=/h,type=bind"],"runArgs":["-v","%s:/h2","--privileged"],"workspaceMount":"source=%s,target=/w,type=bind","workspaceFolder":"/w"}' "$X" "$H" "$H" "$F" >"$W/.devcontainer/devcontainer.json"; cp "$W/.devcontainer/devcontainer.json" "$W/.devcontainer.json"; git add -A "$W/.devcontainer" "$W/.devcontainer.json"; git commit -qm evil`,
    },
    {
      name: 'users and groups of the container that lie',
      inside: `printf 'hjk:x:0:0::%s:%s\\nroot:x:0:0::/:%s\\n' "$H" "$X" "$X" >/etc/passwd; echo 'hjk:x:0:' >/etc/group; rm -f /etc/passwd; ln -s "$K" /etc/passwd; ln -sfn "$H" /home; rm -rf "$HOME"; ln -sfn "$H" "$HOME"; printf '%s' '[core]' >"$HOME/.gitconfig"`,
    },
    {
      name: 'programs of the container that lie',
      alone: true,
      inside: `printf '#!/bin/sh\\nyes 0000000000000000000000000000000000000000\\n' >/tmp/liar; chmod 755 /tmp/liar; for p in git sh env cat ps kill true tar sleep id; do for f in /usr/local/sbin /usr/local/bin /usr/bin /bin "$HOME/bin"; do busybox mkdir -p $f; busybox cp /tmp/liar $f/$p.new; busybox mv -f $f/$p.new $f/$p; done; done`,
    },
    ...forEach(
      [
        ['says nothing for ever', 'exec sleep 100000'],
        ['answers without end', 'yes "refs/heads/$B 0123456789012345678901234567890123456789"'],
        ['answers one line without end', 'tr "\\\\0" a </dev/zero'],
        ['answers with control characters', 'printf "\\\\033]0;PWNED\\\\007\\\\n"; exit 1'],
        [
          'answers with paths and options',
          'echo --upload-pack=x; echo ../../../etc/passwd; echo refs/heads/../../x 1',
        ],
        ['answers with commits of the user', 'cat "$G/refs/heads/precious" "$G/packed-refs"'],
        ['fails', 'exit 128'],
      ] as const,
      ([name, script]) => ({
        name: `a git in the container that ${name}`,
        alone: true,
        inside: `git commit -q --allow-empty -m x; cd /tmp; g=$(command -v git); printf '#!/bin/sh\\n${script.replaceAll('"', '\\"').replaceAll("'", "'\\''")}\\n' >/tmp/fake-git; sed -i 's/\\\\"/"/g' /tmp/fake-git; chmod 755 /tmp/fake-git; cp "$g" /tmp/real-git; cp /tmp/fake-git "$g" || { rm -f "$g"; cp /tmp/fake-git "$g"; }; printf '%s\\n' "$W" >"$W/changed"; date >>"$D/HEAD.touched"; [ -d "$D/refs/heads" ] && cat "$G/refs/heads/precious" >"$D/refs/heads/$B"`,
      }),
    ),
  ],
};

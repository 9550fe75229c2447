#!/bin/sh
# usage: from-host.sh <tag>
# A minimal image out of this machine's own programs and their libraries: no registry, no network, about a second. Linux only.
set -eu
engine() { if command -v docker >/dev/null; then docker "$@"; else podman --remote --url "$DOCKER_HOST" "$@"; fi; }
[ "$(uname)" = Linux ] || { echo "an image from the host's programs needs Linux" >&2; exit 1; }
busybox=$(command -v busybox) || { echo "busybox is not installed" >&2; exit 1; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
for folder in bin etc home proc root run sys dev tmp usr/bin usr/share usr/lib var/tmp lib/terminfo workspace; do mkdir -p "$root/$folder"; done
chmod 1777 "$root/tmp" "$root/var/tmp"

libraries() {
  ldd "$1" 2>/dev/null | grep -oE '/[^ )]+' | while read -r library; do
    [ -e "$root$library" ] || { mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library"; }
  done
}
program() { # keeps its own path, and is found in /usr/bin
  file=$(readlink -f "$(command -v "$1")") || return 0
  [ -n "$file" ] || return 0
  mkdir -p "$root$(dirname "$file")"
  cp -L "$file" "$root$file"
  [ -e "$root/usr/bin/$1" ] || ln -s "$file" "$root/usr/bin/$1"
  libraries "$file"
}

cp -L "$busybox" "$root/bin/busybox"
libraries "$busybox"
for applet in $("$busybox" --list); do [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"; done
for name in bash git ps ssh; do ! command -v "$name" >/dev/null || program "$name"; done
rm -f "$root/bin/ps"
[ ! -e "$root/usr/bin/bash" ] || { rm -f "$root/bin/bash"; ln -s /usr/bin/bash "$root/bin/bash"; }
for name in git-receive-pack git-upload-pack git-upload-archive; do ln -sf git "$root/usr/bin/$name"; done
core=$(git --exec-path)
mkdir -p "$root$core"
ln -sf /usr/bin/git "$root$core/git"
for name in git-remote-http git-remote-https git-sh-setup git-sh-i18n git-submodule git-bisect; do
  [ ! -e "$core/$name" ] || { cp -L "$core/$name" "$root$core/$name"; libraries "$core/$name"; }
done
[ ! -d /usr/share/git-core/templates ] || { mkdir -p "$root/usr/share/git-core"; cp -r /usr/share/git-core/templates "$root/usr/share/git-core/"; }
for name in ansi dumb linux screen screen-256color tmux tmux-256color vt100 xterm xterm-256color; do
  file=$(find /lib/terminfo /usr/share/terminfo -name "$name" -type f 2>/dev/null | head -n 1)
  [ -z "$file" ] || { mkdir -p "$root$(dirname "$file")"; cp -L "$file" "$root$file"; }
done
[ ! -d /usr/lib/locale/C.utf8 ] || { mkdir -p "$root/usr/lib/locale"; cp -r /usr/lib/locale/C.utf8 "$root/usr/lib/locale/"; }
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' >"$root/etc/group"
tar -C "$root" -c . | engine import -c 'CMD ["sh"]' -c 'ENV LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin' -c 'LABEL dev.headjack.base=minimal' - "$1" >/dev/null

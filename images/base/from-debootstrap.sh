#!/bin/sh
# usage: from-debootstrap.sh <tag>
# A Debian base with git from the machine's own package mirror; needs root and debootstrap.
set -eu
engine() { if command -v docker >/dev/null; then docker "$@"; else podman --remote --url "$DOCKER_HOST" "$@"; fi; }
command -v debootstrap >/dev/null || { echo "debootstrap is not installed" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "debootstrap needs root" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mirror=$(sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | head -n 1)
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
packages=bash,ca-certificates,curl,git,jq,less,make,ncurses-term,openssh-client,procps,ripgrep
timeout 300 debootstrap --variant=minbase --include="$packages" "$suite" "$folder" "${mirror:-http://deb.debian.org/debian}" >&2 2>&1 ||
  { echo "debootstrap failed: no package mirror answers" >&2; exit 1; }
rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
tar -C "$folder" -c . | engine import -c 'CMD ["bash"]' -c 'ENV LANG=C.UTF-8' -c 'LABEL dev.headjack.base=debootstrap' - "$1" >/dev/null

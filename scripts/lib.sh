# Shared by the scripts here; sourced, never run. Installs what is missing on a Debian-like machine, starts an engine if none runs.

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
die() { printf 'Error: %s\n' "$1" >&2; [ -z "${2:-}" ] || printf 'hint: %s\n' "$2" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else die "this needs root: $*" 'run it as root, or install sudo'; fi
}

need_node() {
  command -v node >/dev/null || die 'Node is not installed' 'install Node 20.19 or newer: https://nodejs.org'
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    die "Node $(node --version) is too old" 'install Node 20.19 or newer'
}

# need_packages <program>:<debian package>…
need_packages() {
  missing=
  for pair in "$@"; do command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"; done
  [ -n "$missing" ] || return 0
  if command -v apt-get >/dev/null; then
    say "installing:$missing"
    as_root apt-get update -qq
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
  else
    die "not installed:$missing" "install them with your system's package manager, then run this again"
  fi
}

# The same for packages that bring a service: only their programs are wanted, nothing is started now or at the next boot.
need_programs() {
  missing_service=
  for pair in "$@"; do command -v "${pair%%:*}" >/dev/null || missing_service=1; done
  [ -n "$missing_service" ] || return 0
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
    own_policy=1
  fi
  need_packages "$@"
  [ -z "${own_policy:-}" ] || as_root rm -f $policy
  for pair in "$@"; do [ ! -d /run/systemd/system ] || as_root systemctl disable --now "${pair##*:}" >/dev/null 2>&1 || true; done
}

engine_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# Uses the engine that runs; starts one only where none does, and never stops one.
need_engine() {
  if engine_answers; then return 0; fi
  case $(uname) in
    Linux) ;;
    *) die 'no container engine answers' 'start Docker Desktop, then run this again' ;;
  esac
  need_packages dockerd:docker.io iptables:iptables docker-init:tini
  engine_answers && return 0
  say 'starting the container engine'
  if [ -d /run/systemd/system ]; then
    as_root systemctl start docker || true
  else
    log=${TMPDIR:-/tmp}/hjk-dockerd.log
    as_root sh -c "setsid nohup dockerd >'$log' 2>&1 </dev/null &"
  fi
  tries=0
  until engine_answers; do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || die 'the container engine does not start' "look at ${log:-journalctl -u docker}; may this user use it? sudo usermod -aG docker \$USER"
    sleep 0.5
  done
}

need_modules() {
  [ -d node_modules ] && [ node_modules/.package-lock.json -nt package-lock.json ] || { say 'installing node packages'; npm ci --no-audit --no-fund --loglevel=error; }
}

# Engines of podman for the tests; sourced by scripts/test. What is started here is ended by `stop_podman`.

podman_user=hjktest
podman_sockets=
insecure=/etc/containers/registries.conf.d/hjk-test.conf

need_podman() {
  need_packages podman:podman newuidmap:uidmap slirp4netns:slirp4netns fuse-overlayfs:fuse-overlayfs
  # a process that may not raise limits (a container, a restricted service) cannot start podman's defaults
  if [ ! -e /etc/containers/containers.conf ]; then
    as_root mkdir -p /etc/containers
    printf '[containers]\ndefault_ulimits = ["nofile=1024:1024","nproc=1024:1024"]\n' | as_root tee /etc/containers/containers.conf >/dev/null
  fi
  # the tests' registries speak no https; read once by each podman service
  as_root mkdir -p /etc/containers/registries.conf.d
  printf '[[registry]]\nprefix = "localhost"\nlocation = "localhost"\ninsecure = true\n' | as_root tee "$insecure" >/dev/null
  [ ! -e /dev/net/tun ] || as_root chmod 666 /dev/net/tun # as udev has it; rootless networks need it
}

# start_podman <socket> <command that runs as the right user…>
start_podman() {
  socket=$1
  shift
  "$@" podman system service --time 0 "unix://$socket" >"$socket.log" 2>&1 </dev/null &
  tries=0
  until [ -S "$socket" ]; do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || die 'podman does not start' "look at $socket.log"
    sleep 0.5
  done
  podman_sockets="$podman_sockets $socket"
}

# An ordinary user of this machine's own, with ids of its own for containers, who keeps nothing between two runs but its images.
need_podman_user() {
  id $podman_user >/dev/null 2>&1 || as_root useradd --create-home --uid 4000 $podman_user
  as_root sh -c "grep -q ^$podman_user: /etc/subuid || usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $podman_user"
  podman_run=$1
  as_root install -d -o $podman_user -m 700 "$podman_run"
}
as_podman_user() {
  as_root setpriv --reuid $podman_user --regid $podman_user --init-groups env "HOME=/home/$podman_user" "XDG_RUNTIME_DIR=$podman_run" "$@"
}

stop_podman() {
  as_root rm -f "$insecure"
  # nobody else has these sockets, which are in a folder of this run
  for socket in $podman_sockets; do
    for pid in $(pgrep -f "system service --time 0 unix://$socket"); do as_root kill "$pid" 2>/dev/null || true; done
  done
  [ -z "${podman_run:-}" ] || as_podman_user podman system migrate >/dev/null 2>&1 || true
}

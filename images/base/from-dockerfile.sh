#!/bin/sh
# usage: from-dockerfile.sh <tag> <folder with the Dockerfile> <seconds for the pull>
set -eu
engine() { if command -v docker >/dev/null; then docker "$@"; else podman --remote --url "$DOCKER_HOST" "$@"; fi; }
base=$(sed -n 's/^ARG BASE=//p' "$2/Dockerfile")
engine image inspect "$base" >/dev/null 2>&1 || timeout "$3" sh -c "$(command -v docker || echo podman --remote --url \"$DOCKER_HOST\") pull -q $base" >/dev/null 2>&1 ||
  { echo "$base cannot be pulled within $3 s" >&2; exit 1; }
export DOCKER_BUILDKIT=${DOCKER_BUILDKIT:-0}
engine build -q -t "$1" "$2" >/dev/null

#!/bin/sh
# usage: from-dockerfile.sh <tag> <folder with the Dockerfile> <seconds for the pull>
set -eu
base=$(sed -n 's/^FROM //p' "$2/Dockerfile" | head -n 1)
docker image inspect "$base" >/dev/null 2>&1 || timeout "$3" docker pull -q "$base" >/dev/null 2>&1 ||
  { echo "$base cannot be pulled within $3 s" >&2; exit 1; }
DOCKER_BUILDKIT=${DOCKER_BUILDKIT:-0} docker build -q -t "$1" "$2" >/dev/null

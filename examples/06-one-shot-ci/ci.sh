#!/bin/sh
# What CI runs: no engine, nothing is started.  The exit code is 1 when a label is wrong, and each mistake is named.
#   sh ci.sh                        the project as it stands
#   sh ci.sh compose.broken.yaml    with an override, as `docker compose -f compose.yaml -f compose.broken.yaml` has it
set -eu
cd "$(dirname "$0")"
confgen check compose.yaml "$@"
confgen render compose.yaml "$@" -o "${OUT:-rendered}"

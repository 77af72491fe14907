#!/bin/sh
# A first process that has no handler ignores SIGTERM, and `docker stop` would wait ten seconds: so a shell listens.
mkdir -p /www
hostname >/www/index.html
trap 'exit 0' TERM INT
"$@" &
wait $!

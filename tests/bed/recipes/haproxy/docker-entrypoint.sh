#!/bin/sh
# As the official image: `haproxy` or a leading option becomes the master-worker mode in the foreground.
set -e
case "$1" in
-*) set -- haproxy "$@" ;;
esac
if [ "$1" = haproxy ]; then
    shift
    set -- haproxy -W -db "$@"
fi
exec "$@"

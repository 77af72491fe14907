#!/bin/sh
# The official image's entrypoint runs what lies in /docker-entrypoint.d first; the stand-in has nothing there.
set -e
exec "$@"

#!/bin/bash
# The official image's check by this name has many options; what they ask for comes down to: does the server take
# connections over TCP (it does not while it is being initialised)?
set -eu
exec 3<>/dev/tcp/127.0.0.1/3306
read -r -t 2 -n 1 _ <&3

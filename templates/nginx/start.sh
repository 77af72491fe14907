#!/bin/sh
# Starts nginx with the text that confgen puts into a shared folder, and takes confgen's requests from a FIFO there.
# Mounted into the stock nginx image as its command; needs nothing but a POSIX shell. confgen needs no rights in the
# engine for it, and either container may start first.
#
#   CONFGEN_DIR        the shared folder (/confgen)
#   CONFGEN_HTTP_PORT  the port of the skeleton that serves until confgen has written something (80)
#   CONFGEN_GID        the group that may write into the folder: confgen's (65532)
#
# A request is one line, `<16 hex digits> version|test <generation>|reload`; the answer is run/answer.<16 hex digits>:
# the exit code, then what the command said.

set -u
LC_ALL=C
export LC_ALL
umask 022

dir=${CONFGEN_DIR:-/confgen}
port=${CONFGEN_HTTP_PORT:-80}
group=${CONFGEN_GID:-65532}
run=$dir/run
master=$$
ipv6=no
[ -e /proc/net/if_inet6 ] && ipv6=yes

# Folders that nginx's user (root) and confgen's group both write to; what is made in them belongs to the group.
share() {
    mkdir -p "$1" && chmod 2775 "$1" || exit 1
    chgrp "$group" "$1" 2>/dev/null || echo "confgen: group $group cannot be given $1; confgen has to run as $(id -u)" >&2
}

# What nginx serves before confgen has said anything: 404 for all, and the socket that tells the generation.
skeleton() {
    share "$dir/generations/skeleton"
    {
        cat <<CONF
# Made by confgen's start script; confgen replaces it as soon as it runs.
worker_processes auto;
error_log stderr;
events {
    worker_connections 1024;
}
http {
    server_tokens off;
    default_type text/plain;
    access_log off;
    server {
        listen $port default_server;
CONF
        [ $ipv6 = yes ] && echo "        listen [::]:$port default_server;"
        cat <<CONF
        server_name _;
        return 404 "404: confgen has not written anything yet\n";
    }
    server {
        listen "unix:$run/nginx.sock";
        location = /.confgen/generation {
            return 200 "skeleton";
        }
    }
}
CONF
    } >"$dir/generations/skeleton/nginx.conf"
    ln -sfn generations/skeleton "$dir/live"
}

# After a kill -9 the sockets are still there, and nginx would not start; the answers are nobody's any more.
clean() {
    rm -rf "$run/nginx.sock" "$run/request" "$run/drafts" "$run"/answer.*
    mkdir -m 0755 "$run/drafts" && mkfifo "$run/request" && chmod 0660 "$run/request" || exit 1
    chgrp "$group" "$run/request" 2>/dev/null
}

hexadecimal() {
    case $1 in
        *[!0-9a-f]*) return 1 ;;
        ????????????????) return 0 ;;
    esac
    return 1
}

# The group of nginx's workers, which look passwords up in the generation's users files while they serve.
workers=$(nginx -V 2>&1 | sed -n 's/.* --group=\([A-Za-z0-9_-]*\).*/\1/p')
workers=${workers:-nogroup}

# Gives the users files to the workers: nobody else but confgen may read them.
show_users() {
    for file in "$1"/users/*; do
        [ -f "$file" ] && ! [ -L "$file" ] && chgrp -h "$workers" "$file"
    done
    return 0
}

# The children of nginx that take connections and are none of those that are named, into `taking`: nginx says in their titles
# what they are, once they have started. A title is read byte by byte, with all that is behind it; so only of those that count.
look() {
    taking=
    children=
    # One line without an end, so `read` says no and has read it all the same.
    read -r children <"/proc/$master/task/$master/children"
    for child in $children; do
        case " $* " in *" $child "*) continue ;; esac
        title=
        read -r title <"/proc/$child/cmdline"
        case $title in
            *"nginx: worker process is shutting down"*) ;;
            *"nginx: worker process"*) taking="$taking $child" ;;
        esac
    done
} 2>/dev/null

# nginx has its former workers take connections for 100 ms more, for the time that the new ones may need to start. As soon as
# one of these has started, the former ones are told to finish what they have (nginx.org/en/docs/control.html: workers can be
# controlled with signals as well); connections that come before the rest have started wait in the queue that they all share.
# Where that is not possible (no such list in /proc, no right to signal them, a text that takes long to read) it is as nginx does
# it: whoever waits for the answer shall have it soon, also of a reload that comes to nothing. Each look costs a process, so there
# are many only as long as most reloads take.
relieve() {
    taking=
    looks=0
    pause=0.002
    while [ $looks -lt 50 ] && sleep $pause; do
        looks=$((looks + 1))
        [ $looks -lt 12 ] || pause=0.01
        look "$@"
        [ -z "$taking" ] || break
    done
    [ -z "$taking" ] || kill -QUIT "$@" 2>/dev/null
    return 0
}

obey() {
    case "$1 $2" in
        "version ")
            nginx -V && echo "confgen: ipv6=$ipv6"
            ;;
        "test "*)
            if hexadecimal "$2" || [ "$2" = skeleton ]; then
                show_users "$dir/generations/$2" && nginx -t -q -c "$dir/generations/$2/nginx.conf"
            else
                echo "not a generation" && return 64
            fi
            ;;
        "reload ")
            look
            kill -HUP "$master" || return
            [ -z "$taking" ] || relieve $taking
            ;;
        *)
            echo "not a request that this start script knows" && return 64
            ;;
    esac
}

# Holds the FIFO open for reading and writing: it never ends, and a writer is refused (ENXIO) when this is gone.
serve() {
    exec 3<>"$run/request"
    while read -r id verb argument <&3; do
        hexadecimal "$id" || continue
        output=$(obey "$verb" "$argument" 2>&1 3<&- </dev/null)
        # On a full disk the answer is cut or empty, and says so by that: a rename needs no room.
        printf '%s\n%s\n' "$?" "$output" >"$run/drafts/$id"
        mv -f "$run/drafts/$id" "$run/answer.$id"
    done
}

# As the first process of a container nginx takes everything with it; elsewhere the loop has to be told that it is gone.
outlive() {
    while kill -0 "$master" 2>/dev/null; do
        sleep 1
    done
    kill "$1" 2>/dev/null
}

share "$dir"
share "$run"
share "$dir/generations"
clean
if ! [ -e "$dir/live/nginx.conf" ]; then
    skeleton
elif ! nginx -t -q -c "$dir/live/nginx.conf"; then
    echo "confgen: nginx refuses the live text (above); it starts without any route until confgen writes another" >&2
    skeleton
fi

# A reload that comes before nginx listens to signals must not end this process.
trap '' HUP
serve &
[ "$master" -eq 1 ] || outlive $! &
exec nginx -c "$dir/live/nginx.conf" -g 'daemon off;'

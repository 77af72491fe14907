#!/bin/sh
# Starts HAProxy with the text that confgen puts into a shared folder, and takes confgen's requests from a FIFO there.
# Mounted into the stock haproxy image as its command; needs a POSIX shell, sed and grep. confgen needs no rights in the
# engine for it, and either container may start first. It reloads by the master socket, run/master.sock.
#
#   CONFGEN_DIR        the shared folder (/var/lib/haproxy: it belongs to the image's user, and so does a volume there)
#   CONFGEN_HTTP_PORT  the port of the skeleton that serves until confgen has written something (80)
#
# A request is one line, `<16 hex digits> version|test <generation>`; the answer is run/answer.<16 hex digits>: the exit
# code, then what the command said. confgen runs as the same user (99 in the stock image), or in its group.

set -u
LC_ALL=C
export LC_ALL
umask 002

dir=${CONFGEN_DIR:-/var/lib/haproxy}
port=${CONFGEN_HTTP_PORT:-80}
run=$dir/run
ipv6=no
[ -e /proc/net/if_inet6 ] && ipv6=yes

# Without the container's environment: no secret of it can be meant by a "$NAME" in a file. (`resetenv` in the file would
# do so too, but it takes away what the master tells itself by, and old workers are lost after a failed reload.)
bare() {
    env -i PATH="$PATH" ${TZ:+TZ="$TZ"} haproxy "$@"
}

# What HAProxy serves before confgen has said anything: 404 for all, and the name of the generation.
skeleton() {
    mkdir -p "$dir/generations/skeleton" || exit 1
    {
        cat <<CONF
# Made by confgen's start script; confgen replaces it as soon as it runs.
global
    set-var proc.confgen str(skeleton)
    log stdout format raw local0
    fd-hard-limit 1048576

defaults
    mode http
    option idle-close-on-response
    timeout connect 500ms
    timeout client 60s
    timeout server 60s

frontend http
    bind :$port
CONF
        [ $ipv6 = yes ] && echo "    bind [::]:$port v6only"
        cat <<'CONF'
    http-request return status 404 content-type text/plain string "404: confgen has not written anything yet\n"
CONF
    } >"$dir/generations/skeleton/haproxy.cfg"
    ln -sfn generations/skeleton "$dir/live"
}

# After a kill -9 the socket is still there, and so are answers that nobody waits for.
clean() {
    mkdir -p "$run" || exit 1
    rm -rf "$run/master.sock" "$run/request" "$run/drafts" "$run"/answer.*
    mkdir "$run/drafts" && mkfifo "$run/request" && chmod 0660 "$run/request" || exit 1
}

hexadecimal() {
    case $1 in
        *[!0-9a-f]*) return 1 ;;
        ????????????????) return 0 ;;
    esac
    return 1
}

binds() {
    sed -n 's/^ *\(bind [^ ]*\( v6only\)\{0,1\}\).*/    \1/p' "$1"
}

# A port that is new, and taken by somebody else, has to be seen before a reload: HAProxy's old worker refuses everybody on all
# ports for the 2 s that the new one tries. A HAProxy that has nothing but the new ports opens them for a moment: it
# ends at its chroot, which comes right after them (measured on 2.6, 3.0, 3.2 and 3.4; 30 to 50 ms).
open_new_ports() {
    new=$(binds "$1" | grep -vxF -e "$(binds "$dir/live/haproxy.cfg")") || return 0
    said=$(bare -db -f /dev/stdin 2>&1 <<CONF
global
    chroot /dev/null/none

defaults
    mode tcp
    timeout connect 1s
    timeout client 1s
    timeout server 1s

frontend port
$new
CONF
    )
    case $said in
        *"for frontend port:"*) echo "$said" && return 1 ;;
    esac
}

obey() {
    case "$1 $2" in
        "version ")
            bare -vv && echo "confgen: ipv6=$ipv6"
            ;;
        "test "*)
            if hexadecimal "$2" || [ "$2" = skeleton ]; then
                bare -c -f "$dir/generations/$2/haproxy.cfg" && open_new_ports "$dir/generations/$2/haproxy.cfg"
            else
                echo "not a generation" && return 64
            fi
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

mkdir -p "$dir/generations" || exit 1
clean
if ! [ -e "$dir/live/haproxy.cfg" ]; then
    skeleton
elif ! said=$(bare -c -f "$dir/live/haproxy.cfg" 2>&1); then
    echo "$said" >&2
    echo "confgen: HAProxy refuses the live text (above); it starts without any route until confgen writes another" >&2
    skeleton
fi

# HAProxy's master ends only when its last child has, also one that it does not know (2.6 to 3.4): a loop below it would
# hold a container that is being stopped until it is killed. So this shell stays, and hands on what it is told.
serve &
loop=$!
env -i PATH="$PATH" ${TZ:+TZ="$TZ"} haproxy -W -db -S "$run/master.sock,mode,660" -f "$dir/live/haproxy.cfg" &
proxy=$!
for signal in USR1 TERM INT USR2 HUP; do
    # shellcheck disable=SC2064 # the number as it is now
    trap "kill -s $signal $proxy" "$signal"
done
wait "$proxy"
code=$?
while kill -0 "$proxy" 2>/dev/null; do
    wait "$proxy"
    code=$?
done
kill "$loop"
wait "$loop"  # nobody takes requests any more: a writer is refused from here on
exit "$code"

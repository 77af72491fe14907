"""The faults: what is done, and what has to come of it.  Those that cannot be done yet say why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table.  missing: why there is no test of it yet."""

    name: str
    injected: str
    expected: str
    missing: str = ""


FAULTS = tuple(
    Fault(*row)
    for row in (
        ("F1", "engine stopped with SIGTERM and started again", "nothing written; looked at again within 2 s of its answer"),
        ("F2", "engine killed with SIGKILL, containers stay (live-restore)", "0 writes, 0 reloads"),
        ("F3", "engine frozen with SIGSTOP", "told within 10 s, last state kept"),
        (
            "F4",
            "engine back before its containers; a list that lacks most after a reconnect",
            "0 routes dropped that return within 30 s",
        ),
        ("F5", "the engine's socket is a new file, the mounted one is stale", "exit 75 after 60 s, right within 75 s"),
        (
            "F6",
            "storm: image tags and restarts as fast as they go",
            "no state lost; a reload for each removal and each burst of additions, none for the rest",
        ),
        ("F7", "confgen stopped with SIGSTOP during a storm", "right within 2 s of SIGCONT, memory below +10 MB"),
        ("F8", "one event of three is lost", "stale for 30 s at most"),
        ("F9", "late answers; answers that drip in byte by byte", "given up after 10 s; events taken meanwhile"),
        (
            "F10",
            "null, {}, nonsense, bad UTF-8, deep nesting, HTML, cut answers; malformed event lines",
            "0 exceptions, next event acted on",
        ),
        ("F11", "half-open TCP: packets to the engine are dropped", "told within 10 s"),
        ("F12", "engine of API 1.24, 1.41, 1.44, 1.52, 1.60, changed under a running confgen", "negotiated, or refused in words"),
        ("F13", "kill -9 at every system call of an apply", "0 torn, the next turn converges"),
        ("F14", "kill -9 between write and reload", "the next start reloads within 1 s"),
        ("F15", "disk full; read-only, quota, I/O errors on single system calls", "live bytes identical, tried again by itself"),
        ("F16", "a single file mounted where a link has to be renamed", "refused with the mend in the message, file untouched"),
        ("F17", "links planted in the volume; umask 000, 022, 077", "nothing outside written; folders 755, files 644"),
        (
            "F18",
            "templates with mistakes; endless ones",
            "told with file and line, a mistake within 1 s, an endless one after its 10 s; last good stays",
        ),
        (
            "F19",
            "hostile labels, and one route that the proxy refuses, among many",
            "quarantined alone, others byte-identical; the goal is 1 s beyond a normal turn",
        ),
        ("F20", "rivals for hosts, paths and ports in any order of the list", "the same bytes in every order"),
        ("F21", "the proxy's test passes, its reload fails (port taken)", "put back within 6 s, told once"),
        ("F22", "proxy container stopped, killed, paused", "at most a few log lines; applied when it is back"),
        ("F23", "proxy started with an old file (volume restored)", "loaded within 2 s"),
        (
            "F24",
            "certificates missing, mismatched, expired, unreadable, half-written",
            "others 0 errors; the last good copy stays in use",
        ),
        (
            "F25",
            "wrong passwords at 200 a second",
            "others' 99th percentile at most 20 ms above that without",
        ),
        ("F26", "two confgen on one volume, the holder killed with SIGKILL", "takeover within 2 s, never two writers"),
        ("F27", "two hosts, the same input", "the same sha256"),
        ("F28", "wall clock set by +1 d, -1 d, -5 y; events with such times", "no stall"),
        ("F29", "labels and names with newlines, escapes, bidi marks, 1 MB", "each log line parses, none forged, none endless"),
        ("F30", "no inotify left; editors' renames; link swaps", "seen within 3 s"),
        ("F31", "as PID 1: SIGHUP, and SIGTERM in the middle of a turn", "looks again; code 0 within 2 s, nothing half done"),
        ("F32", "100,000 events of containers that come and go", "memory below +5 MB, descriptors and threads +0"),
        ("F33", "3 to 5,000 routes", "seconds, not minutes; the goal is 99 % within 1 s at 1,000 routes on an idle machine"),
        (
            "F34",
            "Consul or etcd down, stale, flapping",
            "last state kept",
            "there is no Consul or etcd source yet: the engine tells of every container that a proxy can reach here, and a registry's "
            "addresses are of other machines, which no label may name. Sources are alike to the line, so what holds for a silent "
            "engine (F3, F4, F8 to F11) will hold for one",
        ),
        ("F35", "no DNS for proxy and confgen", "no effect"),
    )
)

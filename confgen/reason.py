"""Why something is not served: every reason that `explain`, `status --json` and the metrics can name, in one table.

docs/explain.md is made of it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Reason(enum.Enum):
    """The values are stable: scripts and alerts go by them."""

    NOT_RUNNING = "not-running"
    ONE_OFF = "one-off"
    PROXY_ITSELF = "proxy-itself"
    HIDDEN = "hidden"
    NOT_ENABLED = "not-enabled"
    UNKNOWN_LABEL = "unknown-label"
    WRONG_LABEL = "wrong-label"
    NO_LABELS = "no-labels"
    NO_HOST = "no-host"
    ELSEWHERE = "another-proxys"
    NO_NETWORK = "network-not-shared"
    NO_PORT = "no-port"
    DISAGREES = "replicas-disagree"
    NOT_GRANTED = "not-granted"
    HELD = "held-by-another"
    UNSUPPORTED = "not-on-this-proxy"
    REFUSED = "refused-by-the-proxy"
    NO_ROUTE = "no-route"
    WITHHELD = "withheld"
    NO_CERTIFICATE = "no-certificate"
    NOT_OVER_HTTPS = "not-over-https"
    NOT_LISTENING = "nothing-listens"
    STARTING = "starting"
    UNHEALTHY = "unhealthy"
    CHECK_FAILS = "check-fails"
    PAUSED = "paused"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    DRAINED = "drained"
    WEIGHT_0 = "weight-0"
    NOT_READY = "not-ready"
    UNKNOWN_HOST = "unknown-host"
    UNKNOWN_PATH = "unknown-path"
    UNKNOWN_PORT = "unknown-port"
    NO_SERVER = "no-server"
    PINNED = "pinned"
    PROXY_FAILS = "proxy-fails"
    NOT_LIVE = "not-live-yet"
    NO_ANSWER = "no-answer"


@dataclass(frozen=True, slots=True)
class Told:
    """step: the link of the chain that fails; means: what is the matter; mend: what to do."""

    step: str
    means: str
    mend: str


TOLD: dict[Reason, Told] = {
    Reason.NOT_RUNNING: Told("running", "The container is created, exited or dead.", "Start it; its log says why it ended."),
    Reason.ONE_OFF: Told("enabled", "It is a container of `docker compose run`, which is no replica.", "`docker compose up`."),
    Reason.PROXY_ITSELF: Told("enabled", "It is marked as a proxy.", "Remove `confgen.proxy` if it is none."),
    Reason.HIDDEN: Told("enabled", "`confgen.enable` says false, or nothing that can be read.", '`confgen.enable: "true"`.'),
    Reason.NOT_ENABLED: Told("enabled", "With `--require-enable` silence hides.", '`confgen.enable: "true"`.'),
    Reason.UNKNOWN_LABEL: Told("labels", "A label that nobody knows stands where one was needed.", "The nearest right one is named."),
    Reason.WRONG_LABEL: Told("labels", "A label cannot be read, or they contradict each other; no route is left.", "The code and the line say which."),
    Reason.NO_LABELS: Told("host", "No label of ours is there.", "`confgen.host`, and `confgen.port` where several ports are exposed."),
    Reason.NO_HOST: Told("host", "Labels are there, but none asks for a host or a port to listen on.", "`confgen.host`."),
    Reason.ELSEWHERE: Told("network", "It is on a network of another proxy and on none of this one, which is nobody's mistake.", "Ask for that proxy, or put it on a network of this one."),
    Reason.NO_NETWORK: Told("network", "The proxy cannot reach it.", "`docker network connect`, or `networks` in the compose file."),
    Reason.NO_PORT: Told("port", "It is not known which port the app listens on, or that port must not be used.", "`confgen.port`."),
    Reason.DISAGREES: Told("agreement", "Replicas say different things; the oldest holds.", "Give all the same labels."),
    Reason.NOT_GRANTED: Told("granted", "The operator's policy does not let this owner have it.", "Ask for a grant."),
    Reason.HELD: Told("claim", "Another container was first to have this host and path, or this port.", "Choose another."),
    Reason.UNSUPPORTED: Told("proxy", "This proxy, in this version, cannot do it.", "Another value, a newer version, or the other proxy."),
    Reason.REFUSED: Told("proxy", "The proxy's own test refuses this route: it is in quarantine.", "Change its labels; the proxy's words say why."),
    Reason.NO_ROUTE: Told("route", "No route leads to it.", "See its labels."),
    Reason.WITHHELD: Told("open", "It answers 503, since a label that shuts a door cannot be obeyed.", "Mend or remove that label."),
    Reason.NO_CERTIFICATE: Told("tls", "No certificate covers the host.", "Put one into the folder of `--certificates`."),
    Reason.NOT_OVER_HTTPS: Told("tls", "The route says `tls: off`.", "Ask for http://, or remove the label."),
    Reason.NOT_LISTENING: Told("ready", "The port refuses connections.", "Another `confgen.port`, or an app that listens on 0.0.0.0."),
    Reason.STARTING: Told("ready", "Its health check has not said yes yet.", "Wait; `docker inspect` shows what it says."),
    Reason.UNHEALTHY: Told("ready", "Docker's HEALTHCHECK says no.", "`docker inspect` shows what it says."),
    Reason.CHECK_FAILS: Told("ready", "The check of `confgen.health` says no.", "Ask the path from a container on the same network."),
    Reason.PAUSED: Told("ready", "It is paused.", "`docker unpause`."),
    Reason.RESTARTING: Told("ready", "The engine is starting it again.", "Its log says why it ends."),
    Reason.STOPPING: Told("ready", "A stop signal was sent; others of its pool go on.", "It comes back when it runs again."),
    Reason.DRAINED: Told("ready", "`confgen drain` has taken it out.", "`confgen undrain`."),
    Reason.WEIGHT_0: Told("ready", "Its weight is 0.", "A weight from 1 to 256."),
    Reason.NOT_READY: Told("ready", "It takes no requests for another reason, which is told.", "As told."),
    Reason.UNKNOWN_HOST: Told("host", "No route has this host: 404.", "The nearest one is named; `confgen status` lists all."),
    Reason.UNKNOWN_PATH: Told("path", "The host is there, and none of its routes has this path: 404.", "Its paths are named."),
    Reason.UNKNOWN_PORT: Told("port", "No listener has this tcp or udp port.", "The ports that there are, are named."),
    Reason.NO_SERVER: Told("server", "None of the pool's servers takes requests.", "`confgen explain` of a container says more."),
    Reason.PINNED: Told("live", "`confgen rollback` holds an older generation.", "`confgen rollback --release`."),
    Reason.PROXY_FAILS: Told("live", "The proxy does not answer, refuses the text or did not take it.", "What it said is told."),
    Reason.NOT_LIVE: Told("live", "It is wanted and not yet in the running proxy.", "Wait; if it stays so, see the log of `confgen watch`."),
    Reason.NO_ANSWER: Told("answer", "With `--request`: nobody answered the request.", "The proxy's address and what came back are told."),
}  # fmt: skip

"""F24: whatever happens to the files of a certificate, nobody else notices, and its own hosts keep the last good copy."""

from __future__ import annotations

import shutil
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from tests.certificates import one, pair, put
from tests.faults.faultsock import Faultsock
from tests.faults.record import Seen
from tests.faults.rig import World, until
from tests.load import Load
from tests.ports import free_port

Worlds = Callable[..., World]
VICTIM, OTHER = "victim.localhost", "other.localhost"


def shown(port: int, name: str) -> bytes:
    """The certificate that a client gets; empty where it gets none."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as plain,
            anybody.wrap_socket(plain, server_hostname=name) as client,
        ):
            return client.getpeercert(binary_form=True) or b""
    except OSError:
        return b""


def fresh(folder: Path) -> bytes:
    """A renewal as it should be, each file renamed into place; what clients have to get."""
    shutil.rmtree(folder / "victim", ignore_errors=True)
    chain, key = pair(VICTIM)
    put(folder, "victim/fullchain.pem", chain)
    put(folder, "victim/privkey.pem", key)
    return ssl.PEM_cert_to_DER_cert(chain.decode())


def taken(made: World, port: int, certificate: bytes) -> None:
    """Waits until the old workers, who answer beside the new ones for a moment, are gone."""
    until(lambda: all(shown(port, VICTIM) == certificate for _ in range(8)), "the renewal is taken")
    made.settle()


def unreadable(folder: Path) -> None:
    (folder / "victim/privkey.pem").unlink()
    (folder / "victim/privkey.pem").mkdir()


#: What is done to the files, and what is told of it.
FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "key missing": (lambda folder: (folder / "victim/privkey.pem").unlink(), "privkey.pem is not there"),
    "mismatched": (lambda folder: put(folder, "victim/privkey.pem", pair(VICTIM)[1]), "does not belong"),
    "half-written": (lambda folder: put(folder, "victim/fullchain.pem", pair(VICTIM)[0][:-50]), "in the middle"),
    "unreadable": (unreadable, "cannot be read"),
    "gone": (lambda folder: shutil.rmtree(folder / "victim"), "files are gone"),
}


def test_f24_certificates_that_cannot_be_used(liar: Faultsock, world: Worlds, home: Path, kind: str, probed, seen: Seen) -> None:
    folder, port = home / "certificates", free_port()
    good = fresh(folder)
    put(folder, "other.pem", one(OTHER))
    made = world(kind=kind, env={"CONFGEN_CERTIFICATES": str(folder), "CONFGEN_HTTPS_PORT": str(port)})
    for number, host in enumerate((VICTIM, OTHER), 1):
        liar.add(liar.row(number, host))
    made.boot()
    made.serves(VICTIM, 308)
    taken(made, port, good)
    with probed(made) as probe, Load(port, OTHER, rate=50, clients=5, tls=True) as load:
        for spoil, said in FAULTS.values():
            before = made.footprint()
            spoil(folder)
            made.tells(said)
            assert (shown(port, VICTIM), made.footprint()) == (good, before), said
            good = fresh(folder)
            taken(made, port, good)
        put(folder, "victim/fullchain.pem", b"cut")
        made.tells("no certificate that can be read")
        before = made.folder.live()
        made.confgen.stop()
        made.confgen.start()
        made.tells("no certificate that can be read", times=2)
        assert (shown(port, VICTIM), made.folder.live()) == (good, before)
        shutil.rmtree(folder / "victim")
        put(folder, "victim.pem", b"".join(pair(VICTIM, days=-0.1, since=-9)))
        made.tells("clients refuse it")
        until(lambda: shown(port, VICTIM) not in (b"", good), "one that has ended is served")
    assert not load.result.failed, load.result.failed
    seen(
        f"{', '.join(FAULTS)}, also over a restart of confgen: the last good copy is served, a renewal after each is taken, one "
        f"that has ended is served and told; {load.result.requests} requests over TLS to another, {probe.requests} probes, 0 errors"
    )


def test_the_port_for_https_is_taken(liar: Faultsock, world: Worlds, home: Path, kind: str) -> None:
    """http is served as if there were no certificate; what needs one is shut, and it is said why."""
    folder, port = home / "certificates", free_port()
    fresh(folder)
    with socket.create_server(("", port)):
        made = world(kind=kind, env={"CONFGEN_CERTIFICATES": str(folder), "CONFGEN_HTTPS_PORT": str(port)})
        liar.add(liar.row(1, VICTIM), tell=False)
        need = {"confgen.host": "need.localhost", "confgen.port": "80", "confgen.tls": "require"}
        liar.add(liar.row(2, "", labels=need), tell=False)
        made.boot()
        made.serves(VICTIM)
        made.serves("need.localhost", 503)
        made.tells(f"port {port}: no https")

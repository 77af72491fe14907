"""Whoever guesses passwords keeps the workers busy with hashes; what do the others notice?  (F25)"""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest

from tests.faults.faultsock import Faultsock
from tests.faults.record import Seen
from tests.faults.sizes import FULL, size
from tests.load import Load, Result

GUARDED, OPEN = "guarded.localhost", "open.localhost"
#: As htpasswd makes them by default, and as openssl does; neither is the hash of what is guessed.
HASHES = {
    "bcrypt": "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
    "SHA-512": "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1",
}
WRONG = {"Authorization": "Basic " + base64.b64encode(b"bob:guess").decode()}


@pytest.mark.parametrize("hashed", HASHES)
def test_f25_wrong_passwords(liar: Faultsock, world, probed, kind: str, hashed: str, home: Path, seen: Seen) -> None:
    home.chmod(0o755)  # nginx's workers read the users' file by themselves
    labels = {"confgen.host": GUARDED, "confgen.port": "80", "confgen.auth.basic": f"bob:{HASHES[hashed]}"}
    made = world(kind=kind)
    liar.add(liar.row(1, OPEN), liar.row(2, GUARDED, labels=labels))
    made.boot()
    made.serves(OPEN)
    made.serves(GUARDED, 401)
    made.settle()
    calm = _asked(made.port)
    with probed(made) as probe, Load(made.port, GUARDED, rate=200, clients=20, headers=WRONG) as storm:
        others = _asked(made.port)
    guesses = storm.result
    assert set(guesses.failed) <= {"401", "429"}, guesses.failed
    assert guesses.failures == guesses.requests, "nobody came in"
    assert guesses.failed["429"] > guesses.requests / 4, "one client is not checked as often as it likes"
    assert (calm.failures, others.failures) == (0, 0)
    if FULL:
        assert others.quantile(0.99) - calm.quantile(0.99) < 0.020
    seen(
        f"{hashed}: {guesses.requests} guesses, {guesses.failed['401']} of them checked; 99 % of the others within "
        f"{others.quantile(0.99) * 1000:.1f} ms (without: {calm.quantile(0.99) * 1000:.1f}), median {others.quantile(0.5) * 1000:.1f} "
        f"({calm.quantile(0.5) * 1000:.1f}); {probe.requests} probes, 0 errors"
    )


def _asked(port: int) -> Result:
    with Load(port, OPEN, rate=50, clients=5) as load:
        time.sleep(size("guesses", 3, 20))
    return load.result

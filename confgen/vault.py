"""The certificates in a proxy's shared folder: put there before a text names them, kept while a generation does.

<folder>/certs/<digest>.pem   chain and key; for the owner and the group that the proxy shares with confgen
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import PurePosixPath

from confgen.model import Model
from confgen.targets.folder import Folder
from confgen.tls import Certificate, Shelf
from confgen.want import MODEL_FILE


def put(folder: Folder, model: Model, shelf: Shelf) -> None:
    """Writes the files that the text of a model names; one that is there is not touched.  Raises BadVolume."""
    held = folder.secrets()
    for certificate in model.certificates:
        if _file(certificate.digest) not in held and certificate.digest in shelf.pems:
            folder.entrust(_file(certificate.digest), shelf.pems[certificate.digest])


def tidy(folder: Folder, model: Model) -> None:
    """Removes the files that neither this model nor a kept generation names."""
    spare = folder.secrets() - {_file(certificate.digest) for certificate in model.certificates}
    if spare:
        kept = [(folder.generations / name / MODEL_FILE) for name, _ in folder.history()]
        told = b"".join(file.read_bytes() for file in kept if file.is_file())
        folder.shred(name for name in spare if PurePosixPath(name).stem.encode() not in told)


def recall(folder: Folder, live: Model, shelf: Shelf) -> Shelf:
    """The shelf with the copies that are live in the place of files that are broken: what was good outlives a restart."""
    found = {c.name: c for c in live.certificates if c.name in shelf.broken}
    pems = {name: _whole(folder, certificate) for name, certificate in found.items()}
    again = [replace(found[name], hosts=()) for name, pem in pems.items() if pem]
    if not again:
        return shelf
    return replace(
        shelf,
        certificates=tuple(sorted((*shelf.certificates, *again), key=lambda certificate: certificate.name)),
        pems={**shelf.pems, **{certificate.digest: pems[certificate.name] for certificate in again}},
    )


def _whole(folder: Folder, certificate: Certificate) -> bytes:
    """The file that is there, or nothing where it does not hold what its name says."""
    content = folder.secret(_file(certificate.digest))
    return content if hashlib.sha256(content).hexdigest().startswith(certificate.digest) else b""


def _file(digest: str) -> str:
    return f"{digest}.pem"

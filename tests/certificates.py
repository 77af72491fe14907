"""Certificates made for tests, in no time: ECDSA, signed by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

DAY = timedelta(days=1)


def pair(*names: str, days: float = 90, since: float = -1, password: bytes = b"") -> tuple[bytes, bytes]:
    """Chain and key for some names.  days, since: from now to its end, and to its beginning."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0] if names else "nobody")])
    builder = x509.CertificateBuilder(
        issuer, issuer, key.public_key(), x509.random_serial_number(), now + since * DAY, now + days * DAY
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    hidden = BestAvailableEncryption(password) if password else NoEncryption()
    return (
        builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden),
    )


@cache
def one(*names: str) -> bytes:
    """Chain and key in one, always the same for the same names."""
    return b"".join(pair(*names))


def put(folder: Path, name: str, content: bytes, mode: int = 0o640) -> Path:
    """A file of the operator's folder, renamed into place as careful programs do."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}")
    new.write_bytes(content)
    new.chmod(mode)
    return new.replace(file)

"""A chain and a key in PEM: whether they belong together, for which hosts and how long they are good.

The only module that knows the library; imported once a folder of certificates is given, since that takes a while.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

from confgen.sources.pair import Pair, Unusable
from confgen.values import Host, Refusal, Wildcard, parse_host

#: What OpenSSL, as distributions build it, asks of certificates: its security level, and the shortest RSA key of that
#: (SSL_CTX_set_security_level(3)).
_LEVEL, _SHORTEST_RSA = 2, 2048
#: The one key among all that a file may hold.
_KEY = re.compile(rb"-----BEGIN ((?:EC |RSA |ENCRYPTED )?PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)

_Key = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey


def load(chain: bytes, key: bytes) -> Pair:
    """What the two hold.  Raises Unusable with what is wrong."""
    for content in (chain, key):
        if content.count(b"-----BEGIN ") != content.count(b"-----END "):
            raise Unusable("it ends in the middle of a block", "it is looked at again when it changes")
    certificates = _certificates(chain)
    leaf, private = certificates[0], _key(key)
    if _public(private) != leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
        raise Unusable("the key does not belong to the first certificate", "put the certificate first, and its own key")
    written = [certificate.public_bytes(Encoding.PEM) for certificate in certificates]
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both = b"".join((*written, secret))
    _try(both)
    return Pair(_names(leaf), leaf.not_valid_before_utc, leaf.not_valid_after_utc, both)


def _try(both: bytes) -> None:
    """As a proxy will: OpenSSL refuses short keys and weak signatures, also those of the chain, and a proxy with it all of the text.

    The file is one in memory, which nobody else sees: there is a key in it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(f"DEFAULT:@SECLEVEL={_LEVEL}")
    descriptor = os.memfd_create("certificate")
    try:
        os.write(descriptor, both)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    except ssl.SSLError as error:
        why = (error.reason or "it gives no reason").lower().replace("_", " ")
        raise Unusable(f"OpenSSL refuses it: {why}", "it needs longer keys, and signatures with SHA-256 or better") from error
    finally:
        os.close(descriptor)


def _certificates(chain: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(chain)
    except ValueError as error:
        raise Unusable("it holds no certificate that can be read", "it has to be PEM: the certificate, then its chain") from error


def _key(content: bytes) -> _Key:
    found = _KEY.search(content)
    if not found:
        raise Unusable("there is no key", "it has to be PEM, without a password")
    try:
        key = load_pem_private_key(found[0], password=None)
    except TypeError as error:
        raise Unusable("the key is encrypted", "remove its password: openssl pkey -in ... -out ...") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unusable("the key cannot be read", "it has to be PEM, without a password") from error
    if isinstance(key, RSAPrivateKey) and key.key_size < _SHORTEST_RSA:
        raise Unusable(f"the key has {key.key_size} bits, and OpenSSL refuses less than {_SHORTEST_RSA}", "make a longer one")
    if not isinstance(key, _Key):
        raise Unusable("the key is of a kind that proxies do not take", "use ECDSA or RSA")
    return key


def _public(key: _Key) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    """Its DNS names; a common name counts for nothing (RFC 9525)."""
    try:
        said = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        said = []
    names = tuple(sorted({str(host) for name in said for host in _host(name)}))
    if not names:
        raise Unusable("it is for no DNS name", "make one with subjectAltName = DNS:shop.example.com")
    return names


def _host(name: str) -> Iterator[Host | Wildcard]:
    try:
        yield parse_host(name)
    except Refusal:
        return

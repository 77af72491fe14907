"""TLS towards whoever answers, with nobody to vouch for them: for questions to which the certificate is no part of the answer."""

from __future__ import annotations

import ssl


def unverified() -> ssl.SSLContext:
    """Takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context

"""A certificate's chain and key that belong together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime


class Unusable(Exception):
    """The files of a certificate cannot be used.  hint: what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Pair:
    """names: DNS names that it is for.  begins, ends: when it is valid.  pem: chain and key, as the proxies get it."""

    names: tuple[str, ...]
    begins: datetime
    ends: datetime
    pem: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.pem).hexdigest()[:32]

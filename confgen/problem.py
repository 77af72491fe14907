"""A user's mistake as a value, and where it comes from."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Where a fact was said: ("docker", "container shop-web-1", "label confgen.port").  place: in a file, "compose.yaml:12".

    lines: of a route that a file asks for, where each of its labels stands, by key.
    """

    source: str
    object: str = ""
    key: str = ""
    place: str = field(default="", compare=False)
    lines: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    def at(self, *keys: str) -> Origin:
        """The same at the line of the first of these labels that is there."""
        known = dict(self.lines)
        return next((replace(self, place=known[key]) for key in keys if key in known), self)

    def __str__(self) -> str:
        said = ", ".join(part for part in (self.object or self.source, self.key) if part)
        return "".join(char if char.isprintable() else _escape(char) for char in said)  # a file may call a service anything


class Effect(enum.Enum):
    """What a Problem costs; the words are shown to people."""

    NOTHING = "nothing is left out"
    SETTING = "the former setting stays"
    LABEL = "the label is ignored"
    SERVER = "this instance gets no traffic"
    USER = "this user cannot log in"
    ROUTE = "the route is left out"
    SNIPPET = "its last good text stays, or none"
    PROXY = "this proxy is left alone"
    FILE = "nothing was looked at"
    WITHHELD = "the route answers 503 until this is mended"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: `code` is stable and documented, `message` says what is wrong and where in the value, `hint` what to do.

    Two Problems are the same Problem when all but the hint are equal.
    """

    origin: Origin
    code: str
    message: str
    effect: Effect = field(default=Effect.LABEL, compare=False)
    hint: str = field(default="", compare=False)

    def __str__(self) -> str:
        place = f"{self.origin.place}: " if self.origin.place else ""
        return f"{place}{self.code} {self.origin}: {self.message} ({self.effect.value})"


#: Every code a Problem can carry, with its title; the reference page is made from this table.
CODES: dict[str, str] = {
    "CG001": "unknown label",
    "CG002": "incomplete route",
    "CG003": "labels that contradict each other",
    "CG004": "not offered by this proxy or version",
    "CG005": "replicas disagree",
    "CG006": "claimed by another",
    "CG008": "not granted by the policy",
    "CG007": "a proxy without a shared volume",
    "CG009": "a proxy that does not run",
    "CG010": "a setting that cannot be taken",
    "CG011": "waits for approval",
    "CG012": "more labels or hosts than are taken",
    "CG101": "host name",
    "CG102": "wildcard host",
    "CG111": "path",
    "CG121": "port",
    "CG122": "address",
    "CG123": "a port that nothing listens on",
    "CG131": "header name",
    "CG132": "header value or text",
    "CG141": "duration",
    "CG142": "size",
    "CG143": "weight",
    "CG151": "address range",
    "CG161": "users",
    "CG171": "certificate",
    "CG181": "word that is not in the list",
    "CG182": "number",
    "CG183": "rate",
    "CG184": "URL",
    "CG185": "name",
    "CG191": "snippet",
    "CG201": "a label where nobody reads it",
    "CG202": "a variable that is not set",
    "CG203": "a file that cannot be read",
    "CG301": "refused by the proxy's own test",
}


def count(number: int, word: str) -> str:
    """`1 route`, `2 routes`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def show(text: str, limit: int = 80) -> str:
    """A value from outside, safe to print on one line: quoted, control and non-ASCII bytes as \\xNN, cut at `limit`."""
    cut = text if len(text) <= limit else text[:limit]
    body = "".join(c if " " <= c <= "~" and c not in '"\\' else f"\\{c}" if c in '"\\' else _escape(c) for c in cut)
    return f'"{body}"' + (f"… ({len(text)} characters)" if len(text) > limit else "")


def _escape(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))

"""Who may log in: names and hashes of passwords, from a label or from a users file of the operator.  Pure.

Hashes cost time: the proxy that checks one serves nobody else meanwhile.  So there is a cap, measured with four clients on
one nginx worker: bcrypt of cost 10 lets it do 19 logins a second, cost 6 242, SHA-512 of 5,000 rounds 635.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from confgen.values import MAX_TEXT, Name, Refusal, Text, parse_name


class Hash(Text):
    """A password's hash.  As free text only a quoting filter may look inside; all else knows it by a digest."""

    __slots__ = ("digest",)

    def __init__(self, raw: str) -> None:
        super().__init__(raw)
        self.digest = hashlib.sha256(raw.encode()).hexdigest()[:16]

    @classmethod
    def known(cls, digest: str) -> Hash:
        """One of which only the digest was kept: it equals the whole one, and no password fits it."""
        found = cls("*")
        found.digest = digest
        return found

    @property
    def lost(self) -> bool:
        """Only the digest is known."""
        return self.raw == "*"

    @property
    def apache(self) -> bool:
        """Apache's own kind, which not every crypt(3) knows."""
        return self.raw.startswith("$apr1$")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hash) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(("Hash", self.digest))

    def __repr__(self) -> str:
        return f"Hash({self.digest})"


@dataclass(frozen=True, slots=True)
class User:
    """One who may log in."""

    name: Name
    hash: Hash


Users = tuple[User, ...]


@dataclass(frozen=True, slots=True)
class UsersFile:
    """What a users file holds.  mistakes: what is wrong in it, with the line and the mend; each costs one user."""

    users: Users = ()
    mistakes: tuple[tuple[str, str], ...] = ()


#: The users files of the operator by name.
Files = Mapping[str, UsersFile]

#: Most users of one list; both proxies look for a name from the top, for each request.
MOST = 1000
_HINT = "make one with `htpasswd -nB NAME` or `openssl passwd -6`; in a compose file write each $ as $$"
_BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}", re.ASCII)
_SHA = re.compile(r"\$(?:5|6)\$(?:rounds=([0-9]{1,9})\$)?[./A-Za-z0-9]{1,16}\$([./A-Za-z0-9]{43}|[./A-Za-z0-9]{86})", re.ASCII)
_APR1 = re.compile(r"\$apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}", re.ASCII)


def parse_users(text: str) -> Users | Name:
    """`name:hash, name:hash`, or the name of a users file.  No message shows what the text is: it may be a secret."""
    raw = text.strip(" ")
    if ":" not in raw:
        try:
            return parse_name(raw)
        except Refusal:
            raise Refusal("CG161", "this is neither a list of name:hash nor the name of a users file", _HINT) from None
    if len(raw) > MAX_TEXT:
        raise Refusal("CG161", f"the list has {len(raw)} characters; at most {MAX_TEXT} are read", "use a users file")
    users = tuple(_user(part.strip(" "), f"user {number}") for number, part in enumerate(raw.split(","), 1))
    names = [user.name for user in users]
    for name in names:
        if names.count(name) > 1:
            raise Refusal("CG161", f"{name} is there twice", "keep one of them")
    return tuple(sorted(users, key=lambda user: user.name))


def parse_file(text: str) -> UsersFile:
    """The lines of a users file as `htpasswd` writes it; blank ones and those that begin with # are skipped."""
    found: dict[Name, User] = {}
    mistakes: list[tuple[str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            user = _user(line.strip(), "the user")
            if user.name in found:
                raise Refusal("CG161", f"{user.name} is there twice: the first holds", "keep one of them")
            if len(found) == MOST:
                raise Refusal("CG161", f"there are more than {MOST} users", "use several files")
            found[user.name] = user
        except Refusal as refusal:
            mistakes.append((f"line {number}: {refusal.message}", refusal.hint))
    return UsersFile(tuple(found[name] for name in sorted(found)), tuple(mistakes))


#: What looks like a hash of a password, of a kind that is known here or not.
_HASHED = re.compile(r"\$(?:2[abxy]?|5|6|1|y|apr1)\$[^,\s]{8,}")


def without_hashes(text: str) -> str:
    """A text from outside as it may be shown."""
    return _HASHED.sub("hidden", text)


def look_up(name: Name, files: Files) -> UsersFile:
    """The users file of that name, with a user in it; raises Refusal."""
    if name not in files:
        raise Refusal("CG161", f'there is no users file "{name}"', "put it into the folder of --users, or mend the name")
    if not files[name].users:
        why, hint = next(iter(files[name].mistakes), ("it is empty", "add one with `htpasswd -B`"))
        raise Refusal("CG161", f'users file "{name}" holds nobody who can log in: {why}', hint)
    return files[name]


def _user(said: str, where: str) -> User:
    name, colon, hashed = said.partition(":")
    if not colon or not re.fullmatch(r"[A-Za-z0-9._@-]{1,64}", name, re.ASCII):
        message = f'{where} has no name of 1 to 64 letters, digits, ".", "_", "@" and "-" in front of a ":"'
        raise Refusal("CG161", message, _HINT)
    _refuse_hash(name, hashed)
    return User(Name(name), Hash(hashed))


def _refuse_hash(name: str, hashed: str) -> None:
    """Raises Refusal for what is no hash, or one that takes too long."""
    bcrypt, sha = _BCRYPT.fullmatch(hashed), _SHA.fullmatch(hashed)
    if bcrypt and not 4 <= int(bcrypt[1]) <= 6:
        message = f"{name}: bcrypt of cost {int(bcrypt[1])} would stall the proxy"
        raise Refusal("CG161", message, "use cost 4 to 6 (`htpasswd -nB -C 5 NAME`) or SHA-512 (`openssl passwd -6`)")
    if sha and not 1000 <= int(sha[1] or 5000) <= 10_000:
        raise Refusal("CG161", f"{name}: SHA of {sha[1]} rounds would stall the proxy", "use 1000 to 10000 rounds")
    if not (bcrypt or sha or _APR1.fullmatch(hashed)):
        message = f"{name}: this is no bcrypt, SHA-256, SHA-512 or apr1 hash; plain text is refused"
        raise Refusal("CG161", message, _HINT)

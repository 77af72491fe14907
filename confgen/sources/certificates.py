"""The operator's folder of certificates: which names it holds, and whether what is there can be used.

    <name>.pem                          chain and key in one file
    <name>.crt and <name>.key
    <name>/fullchain.pem, privkey.pem   as certbot has them, in the folder or in its live/

What is half-written, does not belong together or cannot be read is told, and what was good before stays in use.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from confgen.contents import contents
from confgen.problem import Effect, Origin, Problem, count
from confgen.sources.pair import Pair, Unusable
from confgen.tls import Certificate, Shelf, parse_certificate
from confgen.values import Name, Refusal

#: What a file of the folder is, for those who watch it.
PATTERNS = ("*.pem", "*.crt", "*.key", "*/fullchain.pem", "*/privkey.pem", "live/*/fullchain.pem", "live/*/privkey.pem")
#: With less time left than this it is told that a certificate ends.
_SOON = timedelta(days=14)
#: Bytes; a chain with its key has 3 to 10 KiB.
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class _Place:
    """The files of one certificate: where its chain and its key are, which may be the same file."""

    name: str
    chain: Path
    key: Path


class Certificates:
    """One folder, looked at again and again.  Not for more than one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._good: dict[str, Pair] = {}
        self._read: dict[tuple[bytes, bytes], Pair] = {}

    def look(self) -> Shelf:
        """All that can be used now.  What was good once is used until a better one is there, or confgen starts anew."""
        now, problems, seen = datetime.now(UTC), list[Problem](), dict[str, _Place]()
        try:
            places = list(_places(self._folder, problems))
        except OSError as error:
            places = []
            problems.append(_of_folder(self._folder, error))
        for place in places:
            if place.name in seen:
                problems.append(_twice(place, seen[place.name]))
            elif seen.setdefault(place.name, place):
                problems += self._take(place, now)
        problems += [_gone(name) for name in sorted(self._good.keys() - seen.keys())]
        used = frozenset(self._good.values())
        self._read = {key: pair for key, pair in self._read.items() if pair in used}
        good = sorted(self._good.items())
        return Shelf(
            certificates=tuple(_certificate(name, pair, now) for name, pair in good),
            problems=tuple(sorted({*problems, *(p for name, pair in good for p in _ends(name, pair, now))})),
            pems={pair.digest: pair.pem for _, pair in good},
            broken=tuple(Name(name) for name in sorted(seen.keys() - self._good.keys())),
        )

    def _take(self, place: _Place, now: datetime) -> Iterator[Problem]:
        """Puts what the files hold in the place of what they held; else says what is wrong with them."""
        try:
            pair = self._load(place)
            if pair.begins > now:
                raise Unusable(f"it is not valid before {_said(pair.begins)}", "put it there later, or set the clock right")
        except Unusable as error:
            used = "the last good copy is used" if place.name in self._good else "it is not used"
            yield Problem(_origin(place.name, place.chain), "CG171", f"{error.message}; {used}", Effect.NOTHING, error.hint)
            return
        self._good[place.name] = pair
        if _is_open(place.key):
            message, hint = f"everybody may read its key, {place.key.name}", f"chmod o-r {place.key.name}"
            yield Problem(_origin(place.name, place.chain), "CG171", message, Effect.NOTHING, hint)

    def _load(self, place: _Place) -> Pair:
        from confgen.sources.x509 import load

        chain, key = _read(place.chain, self._folder), _read(place.key, self._folder)
        if (chain, key) not in self._read:
            self._read[chain, key] = load(chain, key)
        return self._read[chain, key]


def _places(folder: Path, problems: list[Problem]) -> Iterator[_Place]:
    """What looks like a certificate.  Raises OSError where the folder cannot be listed."""
    for path in _visible(folder):
        if path.suffix == ".pem":
            yield from _place(path.stem, path, path, problems)
        elif path.suffix == ".crt":
            yield from _place(path.stem, path, path.with_suffix(".key"), problems)
    for parent in (folder, folder / "live"):
        for path in _visible(parent) if parent.is_dir() else ():
            chain, key = path / "fullchain.pem", path / "privkey.pem"
            if chain.is_symlink() or key.is_symlink() or chain.exists() or key.exists():
                yield from _place(path.name, chain, key, problems)


def _visible(folder: Path) -> list[Path]:
    """Without the hidden ones, under whose names careful programs write before they rename."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _place(name: str, chain: Path, key: Path, problems: list[Problem]) -> Iterator[_Place]:
    try:
        yield _Place(parse_certificate(name), chain, key)
    except Refusal as refusal:
        problems.append(Problem(_origin("", chain), refusal.code, refusal.message, Effect.NOTHING, refusal.hint))


def _read(path: Path, folder: Path) -> bytes:
    """The content of a file that is in the folder, wherever its links lead inside it."""
    try:
        if not path.resolve(strict=True).is_relative_to(folder.resolve()):
            raise Unusable(f"{path.name} leads out of the folder", "give the folder that holds both, as /etc/letsencrypt")
        return contents(path, _LARGEST)
    except FileNotFoundError as error:
        raise Unusable(f"{path.name} is not there", "put both there, the certificate's chain and its key") from error
    except PermissionError as error:
        raise Unusable(f"confgen may not read {path.name}", "let confgen's group read it: chgrp, chmod g+r") from error
    except (OSError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            raise Unusable(f"{path.name} is larger than {_LARGEST} bytes", "put a chain and a key there") from error
        raise Unusable(f"{path.name} cannot be read", "is it a file?") from error


def _is_open(key: Path) -> bool:
    try:
        return bool(key.stat().st_mode & 0o004)
    except OSError:  # it has just gone
        return False


def _certificate(name: str, pair: Pair, now: datetime) -> Certificate:
    return Certificate(
        name=Name(name),
        digest=pair.digest,
        names=pair.names,
        not_after=pair.ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        expired=pair.ends < now,
    )


def _ends(name: str, pair: Pair, now: datetime) -> Iterator[Problem]:
    hint = "renew it; the files are watched, and a new one is taken at once"
    if pair.ends < now:
        yield Problem(_origin(name), "CG171", f"it ended on {_said(pair.ends)}; clients refuse it", Effect.NOTHING, hint)
    elif pair.ends < now + _SOON:
        message = f"it ends on {_said(pair.ends)}, in less than {count(_SOON.days, 'day')}"
        yield Problem(_origin(name), "CG171", message, Effect.NOTHING, hint)


def _said(when: datetime) -> str:
    return f"{when:%Y-%m-%d}"


def _origin(name: str, path: Path | None = None) -> Origin:
    return Origin("certificates", f"certificate {name}".strip(), f"file {path.parent.name}/{path.name}" if path else "")


def _of_folder(folder: Path, error: OSError) -> Problem:
    hint = "mount it, and let confgen's group read it"
    return Problem(Origin("certificates", f"folder {folder}"), "CG171", f"cannot be read: {error.strerror}", Effect.NOTHING, hint)


def _gone(name: str) -> Problem:
    message = "its files are gone; the last good copy is used"
    return Problem(_origin(name), "CG171", message, Effect.NOTHING, "put them back, or start confgen anew to have it forgotten")


def _twice(place: _Place, first: _Place) -> Problem:
    message = f"has the name of {first.chain.parent.name}/{first.chain.name}, which holds"
    return Problem(_origin(place.name, place.chain), "CG171", message, Effect.NOTHING, "rename one of them")

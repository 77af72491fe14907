"""Labels, structure, and the proxy's own test where its program is at hand; nothing live is touched."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from confgen import vault
from confgen.errors import BadInput, BadTemplate, NotApplied, RefusedText, TargetUnavailable
from confgen.observe.findings import NATIVE, TEXT, Finding
from confgen.output import Output
from confgen.problem import Effect, Origin, Problem, count
from confgen.scribe import proven, texts
from confgen.settings import Settings
from confgen.state import State
from confgen.targets.folder import Folder
from confgen.targets.process import ProcessTarget
from confgen.targets.target import Answer
from confgen.tls import Shelf
from confgen.want import Offline, Wanted, followed, offline, printed_offline, read_shelf, want_offline

#: "13: Permission denied", in any language.
_MAY_NOT_LISTEN = re.compile(r"\[emerg\].* bind\(\) to \S+ failed \(13: ")
#: unshare(1): users and a network of its own, in which whoever runs it is root.
_NAMESPACE = ("unshare", "--user", "--map-root-user", "--net", "--")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found for one proxy.  structure: why the text is not what was meant, "" when it is.

    unnamed: what is wrong only in a text with DNS names, as `render` writes it, and right once `watch` has addresses.

    native: what the proxy's own test said, "" when it is content; tested: whether that test ran, and with what.
    proxy: "" where the files could not be read, so that no proxy came into it.  output: the name of one, in place of a proxy.
    """

    proxy: str = ""
    version: str = ""
    routes: int = 0
    problems: tuple[Problem, ...] = ()
    unnamed: tuple[Problem, ...] = ()
    structure: str = ""
    native: str = ""
    tested: str = ""
    output: str = ""

    @property
    def ok(self) -> bool:
        return not (self.problems or self.structure or self.native)

    @property
    def name(self) -> str:
        return f"output {self.output}" if self.output else f"{self.proxy} {self.version}".strip() or "files"

    def findings(self) -> Iterator[Finding]:
        """Each thing that is wrong."""
        yield from (Finding.of(problem, self.name) for problem in self.problems)
        yield from (Finding(self.name, code, said) for code, said in ((TEXT, self.structure), (NATIVE, self.native)) if said)

    def lines(self) -> Iterator[str]:
        """For people: each finding with its hint, then one line that sums up."""
        for problem in self.problems:
            yield f"{problem}"
            if problem.hint:
                yield f"  {problem.hint}"
        for problem in self.unnamed:
            yield f"only where `render` writes names for addresses: {problem}"
        yield from (text for text in (self.structure, self.native) if text)
        if self.name == "files":
            return
        findings = len(self.problems) + bool(self.structure) + bool(self.native)
        verdict = "fine" if self.ok else count(findings, "problem")
        routes = f", {count(self.routes, 'route')}" if self.proxy else ""
        yield f"{self.name}: {verdict}{routes}; {self.tested}"


def unread(error: BadInput) -> Checked:
    """What is told of files that cannot be read: as of any other mistake, with the line where that is known."""
    found = re.match(r"(?P<place>(?P<file>.+?\.\w+)(?::[0-9]+)?): ", error.message)
    place, file = (found["place"], found["file"]) if found else ("", "")
    origin = Origin(file, "file", place=place if ":" in place.rpartition("/")[2] else place and f"{place}:1")
    message = error.message[found.end() :] if found else error.message
    return Checked(problems=(Problem(origin, "CG203", message, Effect.FILE, error.hint),))


def check(state: State, settings: Settings) -> list[Checked]:
    """One result for each proxy that the state holds, or for the one of --proxy, and for each output."""
    shelf = read_shelf(settings)
    of_proxies = [_check(state, place, settings, shelf) for place in offline(state, settings)]
    return [*of_proxies, *(_check_output(state, output, settings) for output in settings.outputs)]


def _check_output(state: State, output: Output, settings: Settings) -> Checked:
    """With the output's own check, where its program is at hand; the file itself is not touched."""
    found = Checked(output=output.name, tested="it has no check of its own")
    try:
        (text,) = texts(state, replace(settings, outputs=(output,))).values()
    except BadTemplate as error:
        return replace(found, structure=f"{error.message}; {error.hint}", tested="it was not tested")
    if not output.check:
        return found
    if shutil.which(output.check[0]) is None:
        return replace(found, tested=f"not tested: {output.check[0]} is not installed here")
    with tempfile.TemporaryDirectory(prefix="confgen-check-") as scratch:
        file = Path(scratch, f".{output.to.name}.new")
        file.write_bytes(text)
        try:
            proven(output, file)
        except NotApplied as error:
            found = replace(found, native=error.message)
    return replace(found, tested=f"tested with {output.check[0]}")


def _check(state: State, place: Offline, settings: Settings, shelf: Shelf) -> Checked:
    found = Checked(proxy=place.proxy.name, version=place.caps.text, tested="the proxy's own test did not run")
    with tempfile.TemporaryDirectory(prefix="confgen-check-") as scratch:
        folder = Folder(Path(scratch))
        settings = replace(settings, frame=replace(settings.frame, directory=PurePosixPath(scratch)))
        try:
            wanted = want_offline(state, place, settings, shelf=shelf)
        except (BadTemplate, RefusedText) as error:
            return replace(found, structure=f"{error.message}; {error.hint}")
        right = {*wanted.built.problems} - {*followed(state, place, settings, shelf).problems} if _named(wanted) else set()
        found = replace(
            found,
            problems=tuple(problem for problem in wanted.built.problems if problem not in right),
            unnamed=tuple(sorted(right)),
            routes=len(wanted.built.model.routes()),
        )
        if shutil.which(place.proxy.name) is None:
            return replace(found, tested=f"not tested natively: {place.proxy.name} is not installed here")
        folder.run.mkdir()
        return _native(found, state, place, settings, shelf, folder)


def _named(wanted: Wanted) -> bool:
    return any(server.resolve for pool in wanted.built.model.pools for server in pool.servers)


def _native(found: Checked, state: State, place: Offline, settings: Settings, shelf: Shelf, folder: Folder) -> Checked:
    """With what the proxy's own test says: only where the program here is the version that was rendered for.

    The text is made for the program as it was built: Debian's nginx has tcp ports in a module that has to be loaded.
    """
    target = ProcessTarget(f"the local {place.proxy.name}", folder)
    try:
        here = place.proxy.probe(target)
        if here.version[:2] != place.caps.version[:2]:
            words = f"{place.proxy.name} here is {here.text}, rendered was for {place.caps.text}"
            return replace(found, tested=f"not tested natively: {words}")
        place = replace(place, caps=here)
        wanted = want_offline(state, place, settings, shelf=shelf)
        vault.put(folder, wanted.built.model, shelf)
        folder.stage(wanted.candidate.generation, wanted.candidate.as_dict(), wanted.candidate.private)
        answer = _tested(place, target, wanted.candidate.generation)
    except TargetUnavailable as error:
        return replace(found, tested=f"not tested natively: {error.message}")
    except (BadTemplate, RefusedText) as error:
        return replace(found, structure=f"{error.message}; {error.hint}")
    native = "" if answer.code == 0 else answer.output.strip().replace(str(folder.path), "")
    if native and settings.has_own_text:
        native += printed_offline(native, wanted, place, settings)
    return replace(found, native=native, tested=f"tested natively with {here.text}")


def _tested(place: Offline, target: ProcessTarget, generation: str) -> Answer:
    """The answer of the proxy's own test.  Raises TargetUnavailable when what it lacks is a right of ours.

    nginx opens its ports in its test too, and low ones are for root: a namespace has ports of its own, and there we may.
    """
    answer = place.proxy.test(target, generation)
    if answer.code == 0 or not _MAY_NOT_LISTEN.search(answer.output):
        return answer
    again = place.proxy.test(replace(target, within=_NAMESPACE), generation) if shutil.which(_NAMESPACE[0]) else answer
    if again is answer or again.output.startswith(f"{_NAMESPACE[0]}:"):
        hint = "--http-port 8080 --https-port 8443"
        raise TargetUnavailable(f"nginx may not listen on low ports here, nor in a namespace of its own; {hint} lets it", hint)
    return again

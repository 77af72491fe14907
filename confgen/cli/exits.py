"""Exit codes, as each command's help tells them."""

from __future__ import annotations

from collections.abc import Mapping

import click

_SENSE = {64: "an option or a name that makes no sense"}
_FILES = {65: "a file or a template that cannot be read as what it should be"}
_ENGINE = {69: "the engine or the proxy does not answer"}
_NO_PROXY = {64: "an option or a name that makes no sense, or no proxy is running"}
_REFUSED = {73: "a text was refused or did not go live; the last good one stays"}
_STALE = {75: "the engine's socket was replaced: start confgen's container again"}

#: By command; 70, a bug, can come of each.
EXITS: Mapping[str, Mapping[int, str]] = {
    "watch": {0: "it was stopped", 1: "with --once: there is a Problem, or no proxy", **_SENSE, **_FILES, **_ENGINE, **_REFUSED, **_STALE},
    "render": {0: "fine", 1: "there is a Problem; what can be rendered is rendered", **_SENSE, **_FILES, **_ENGINE,
               73: "the text was refused, or is not the one to --expect; nothing is written"},
    "check": {0: "fine", 1: "there is a Problem, or the text was refused", **_SENSE, **_FILES, **_ENGINE},
    "plan": {0: "nothing would change", 1: "nothing would change, and there is a Problem", 2: "something would change", **_NO_PROXY, **_FILES, **_ENGINE, **_REFUSED},
    "explain": {0: "it is served", 1: "it is not served", **_NO_PROXY, **_FILES, **_ENGINE},
    "status": {0: "fine", 1: "something is not right, or there is a Problem", **_NO_PROXY, **_FILES, **_ENGINE},
    "doctor": {0: "there is no risk", 1: "there is a risk", **_NO_PROXY, **_FILES, **_ENGINE, **_REFUSED},
    "drain": {0: "none of its requests is open any more", 1: "some are open after --wait", **_NO_PROXY, **_FILES, **_ENGINE},
    "undrain": {0: "it is back in rotation", **_NO_PROXY, **_FILES, **_ENGINE},
    "history": {0: "fine", **_SENSE, **_FILES},
    "rollback": {0: "it is pinned, or released", **_SENSE, **_FILES},
    "list": {0: "fine", **_SENSE, **_FILES},
    "show": {0: "fine", **_SENSE, **_FILES},
    "eject": {0: "they are written", **_SENSE},
    "context": {0: "fine", **_SENSE, **_FILES, **_ENGINE},
    "templates check": {0: "fine", 1: "a text was refused", **_SENSE, **_FILES},
    "health": {0: "the last look is fresh, and every proxy serves what it should", 1: "it is not so; stderr says what is wrong", **_SENSE, **_FILES},
    "init": {0: "it is written, or was there already with --volume", **_SENSE, **_FILES, **_REFUSED},
}  # fmt: skip


class Command(click.Command):
    """One whose help ends with its exit codes."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        whole = ctx.command_path.partition(" ")[2]
        codes = EXITS.get(whole) or EXITS.get(self.name or "", {})
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), words) for code, words in codes.items()])

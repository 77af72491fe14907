"""The references of labels, settings and reasons, made from the tables that obey them: docs/labels.md, docs/labels.schema.json,
docs/settings.md, docs/explain.md; and docs/context.md, of what templates get.

`python -m confgen.reference` writes them; with --check it tells whether one is stale.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from confgen.facts import OUTPUTS
from confgen.keys import KEYS, SECURITY, Key, Scope
from confgen.observe import context
from confgen.options import OPTIONS, Option
from confgen.problem import CODES, Effect
from confgen.proxies import PROXIES
from confgen.reason import TOLD

_TITLES = {
    Scope.ROUTE: "Which requests come here",
    Scope.POOL: "Who answers them, and how",
    Scope.SERVER: "This one container",
}

_HEAD = """# Labels

*Made from the code by `make reference`; do not edit.*

Two labels are enough where one port is to be routed:

```yaml
labels:
  confgen.host: shop.example.com
  confgen.port: "8080"
```

- **Short form**: `confgen.<key>` describes the container's one HTTP route.
- **Named form**: `confgen.routes.<name>.<key>` for several routes on one container. The short form's keys of the second
  and third table below, and those that shut doors (see there), are defaults for all of them.
- **TCP and UDP**: `confgen.tcp.<listen port>: "<container port>"`, and `confgen.udp.<listen port>`; the keys marked with
  *tcp* may follow, as in `confgen.tcp.3306.balance`.
- `confgen.enable: "false"` hides a container; with `confgen watch --require-enable` only those with `"true"` are seen.
- `confgen.proxy: nginx` or `haproxy` marks the proxy's own container.
- The prefix `confgen` is a setting (`--prefix`). Labels of the image count as labels.

A value that cannot be read costs what the last column says, and is told as a Problem with the label's name and a hint.
A key that nobody knows is a Problem that names the nearest one.
"""

_TAIL = f"""
## Doors that stay shut

Keys that begin with {", ".join(f"`{word}`" for word in SECURITY)} say who may come in. One of them that this version cannot obey, or that is
misspelt, or whose value cannot be read, withholds the route: it answers 503 until the label is mended or removed. It is
never served open. In the short form they hold for every route and port of the container that does not say otherwise.

Addresses are those of the connection: behind another proxy they are that one's.

## Replicas, and who was first

- Replicas (the same compose service, or the same `pool`) may differ in the keys of the third table. Where they differ in
  others, the oldest healthy one holds; a replica that says something else gets no traffic and is named.
- A host and path, or a tcp port, belongs to the container that was there first; one that comes later and wants the same
  is named and left out.
- Containers that a stop signal was sent to are drained at once: they get no new requests, unless nothing else is ready.
- `docker exec <container> sh -c ': confgen-drain'` drains a container with no other means, from a `pre_stop` hook or by hand.
"""


def page() -> str:
    """docs/labels.md."""
    parts = [_HEAD]
    for scope, title in _TITLES.items():
        parts.append(
            f"\n## {title}\n\n| key | means | value | default | example | a wrong value |\n| --- | --- | --- | --- | --- | --- |\n"
        )
        parts += [_row(key) for key in KEYS if key.scope is scope]
    parts.append(_TAIL)
    parts.append("\n## Codes of Problems\n\n| code | about |\n| --- | --- |\n")
    parts += [f"| {code} | {title} |\n" for code, title in sorted(CODES.items())]
    return "".join(parts)


def _row(key: Key) -> str:
    name = f"`{key.name}`" + (" *tcp*" if key.stream else "")
    return f"| {name} | {key.means} | {key.kind.grammar} | {key.default} | `{key.example}` | {_COST[key.wrong]} |\n"


_COST = {
    Effect.ROUTE: "leaves the route out",
    Effect.SERVER: "leaves this container out",
    Effect.LABEL: "is ignored",
    Effect.WITHHELD: "withholds the route: 503",
}


_SETTINGS_HEAD = """# Settings

*Made from the code by `make reference`; do not edit.*

What can be set is set by an option, by a variable of the environment, or in a file. An option counts more than a variable, a
variable more than the file, the file more than the default.

```toml
# confgen.toml
certificates = "/certificates"

[proxy]
http_port = 8080

[log]
format = "json"
```

The file is the one that `--config` or `CONFGEN_CONFIG` names, else `./confgen.toml`, else `/etc/confgen/confgen.toml`, where one
is there. What has something run (`filters`, `output`) is refused in a `./confgen.toml` that nobody named. It is [TOML](https://toml.io). A path in it starts at the file's own folder. One file does for all commands: each takes
what it has an option for. A mistake is told with file and line:

```
confgen: /etc/confgen/confgen.toml:6: there is no setting proxy.http-port
  did you mean "proxy.http_port"?
```

"""

_SETTINGS_TAIL = """
## While `watch` runs

`watch` takes a change of the file as soon as it is written; SIGHUP makes it look at once, also for a file that was not there at
the start. Settings marked *as it runs* hold from the next turn on; for the others the log says that confgen has to be
started anew, and all else in the file is taken. What an option or a variable says stays what it is.

A file with a mistake changes nothing: what was taken last holds, and the mistake is a Problem (CG010) in the log, in `status` and
in the metrics until it is mended. At the start it ends `watch` with 65. Commands that look at what runs (`status`, `explain`,
`doctor`, `plan` without a FILE, `drain`, `history`, `health` …) go on with what `watch` took last, which it leaves as `settings.json` in the
shared folder (`CONFGEN_DIR`, or `/confgen`).

Mount the folder of the file and not the file itself: what an editor or an orchestrator puts in its place is not seen
through a mount of a single file.
"""


def settings_page() -> str:
    """docs/settings.md."""
    tables = dict.fromkeys(option.key.rpartition(".")[0] for option in OPTIONS)
    parts = [_SETTINGS_HEAD]
    for table in tables:
        title = f"In `[{table}]`" if table else "Before any table"
        parts.append(
            f"\n## {title}\n\n| in the file | option | variable | value | default | means | a change holds |\n"
            "| --- | --- | --- | --- | --- | --- | --- |\n"
        )
        parts += [_setting(option) for option in OPTIONS if option.key.rpartition(".")[0] == table]
    parts.append(_SETTINGS_TAIL)
    return "".join(parts)


def _setting(option: Option) -> str:
    flags = ", ".join(f"`{flag}`" for flag in option.flags)
    variable = f"`{option.variable}`" if option.variable else ""
    if isinstance(option.default, bool):
        default = str(option.default).lower()
    else:
        default = f"`{option.default}`" if option.default else "none"
    live = "as it runs" if option.live else "from the next start on"
    name = option.key.rpartition(".")[2]
    return f"| `{name}` | {flags} | {variable} | {option.kind.grammar} | {default} | {option.means} | {live} |\n"


def schema() -> dict[str, object]:
    """A JSON schema of one container's labels, for editors; the patterns are hints, the readers are the rule."""
    http = {_pattern(key): _property(key) for key in KEYS}
    stream = {_pattern(key): _property(key) for key in KEYS if key.stream}
    patterns: dict[str, object] = {}
    for name, prop in http.items():
        patterns[rf"^confgen\.(routes\.[A-Za-z0-9][A-Za-z0-9_-]*\.)?{name}$"] = prop
    for name, prop in stream.items():
        patterns[rf"^confgen\.(tcp|udp)\.[1-9][0-9]{{0,4}}\.{name}$"] = prop
    patterns[r"^confgen\.(tcp|udp)\.[1-9][0-9]{0,4}$"] = {
        "type": "string",
        "pattern": "^[1-9][0-9]{0,4}$",
        "description": "The container's port.",
    }
    patterns["^(?!confgen\\.)"] = {}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Labels that confgen reads",
        "type": "object",
        "properties": {
            "confgen.enable": {"enum": ["true", "false"], "description": "Hides or shows the container."},
            "confgen.proxy": {"enum": ["nginx", "haproxy"], "description": "Marks the proxy's own container."},
        },
        "patternProperties": patterns,
        "additionalProperties": False,
    }


def _pattern(key: Key) -> str:
    return re.escape(key.stem) + (key.parameter.pattern if key.parameter else "")


def _property(key: Key) -> dict[str, object]:
    return {
        "type": "string",
        "pattern": key.kind.pattern,
        "description": f"{key.means} Value: {key.kind.grammar}. Default: {key.default}.",
        "examples": [key.example],
    }


_REASONS_HEAD = """# Explain

*Made from the code by `make reference`; do not edit.*

`confgen explain CONTAINER`, `explain HOST` and `explain URL` walk the chain from the container to the served request, for each
proxy, and stop at the first step that fails. Every stop has a reason out of this table; the words beside it may get better,
the reason stays.

| where | how it is told |
| --- | --- |
| `confgen explain` | in brackets below the step; `reason` in `--json` |
| `confgen status --json` | `unserved` of each proxy: every container that asks for something and is not served |
| metrics | `confgen_unserved{proxy, reason}`: how many |

Who is hidden, a proxy itself, or another proxy's is not counted: nobody wants it served here.

## Reasons

| reason | step | what is the matter | mend |
| --- | --- | --- | --- |
"""


def reasons_page() -> str:
    """docs/explain.md."""
    rows = (f"| `{reason.value}` | {told.step} | {told.means} | {told.mend} |\n" for reason, told in TOLD.items())
    return _REASONS_HEAD + "".join(rows)


def files() -> dict[Path, str]:
    """Each generated file and what it should hold."""
    docs = Path(__file__).resolve().parent.parent / "docs"
    return {
        docs / "labels.md": page(),
        docs / "labels.schema.json": json.dumps(schema(), indent=2) + "\n",
        docs / "settings.md": settings_page(),
        docs / "context.md": context.page({**PROXIES, "outputs": OUTPUTS}),
        docs / "explain.md": reasons_page(),
    }


def stale() -> list[str]:
    """The generated files that do not hold what the code says."""
    return [path.name for path, text in files().items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        for name in stale():
            sys.stderr.write(f"docs/{name} is stale: run `make reference`\n")
        return 1 if stale() else 0
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

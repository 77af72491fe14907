"""The engine's API, as little of it as is needed: version, ping, events, the list of containers.

Every answer has a total deadline (the library's own timeout is one per read: an answer that drips in would hold it for
ever, measured), and every way in which the library can fail becomes SourceUnavailable.
"""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import docker
import docker.errors
import docker.utils
import requests
from docker.types import CancellableStream

from confgen.errors import SourceUnavailable

#: Seconds for one whole answer.
DEADLINE = 10.0
#: Seconds for a ping: a frozen engine takes connections and says nothing.
PING_DEADLINE = 3.0
#: The oldest and the newest API that is spoken here.  1.41 is Docker 20.10; 1.44 is the oldest that Docker 29 takes.
OLDEST, NEWEST = (1, 41), (1, 52)


class Engine:
    """One engine; connects when it is first asked, and anew after each failure."""

    def __init__(self, url: str) -> None:
        self.url = url or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        self._client: docker.APIClient | None = None
        self._version = ""

    def containers(self, ids: Sequence[str] = ()) -> object:
        """`GET /containers/json`, decoded: all containers, or the named ones that are there."""
        filters = {"id": list(ids)} if ids else {}
        return self._ask("/containers/json", {"all": "1", "filters": json.dumps(filters)})

    def log(self, identity: str, since: int, lines: int = 1000) -> str:
        """The end of a container's log, from a time on (seconds since 1970).  Raises SourceUnavailable."""
        with self._translated() as client:
            url = self._path(client, f"/containers/{identity}/logs")
            asked = {"stdout": "1", "stderr": "1", "since": str(since), "tail": str(lines)}
            response = client.get(url, params=asked, timeout=DEADLINE)
            _refuse_errors(response)
            return unframed(response.content).decode("utf-8", "replace")

    def ping(self) -> None:
        """Raises SourceUnavailable unless the engine answers soon."""
        with self._translated() as client:
            response = client.get(f"{client.base_url}/_ping", timeout=PING_DEADLINE)
            response.raise_for_status()

    def events(self, actions: Sequence[str]) -> CancellableStream[bytes]:
        """The raw event stream of containers and networks, in chunks as they come; `close()` ends it from any thread.

        A `label` filter would lose network events, so none is set.
        """
        filters = json.dumps({"type": ["container", "network"], "event": list(actions)})
        with self._translated() as client:
            response = client.get(
                self._path(client, "/events"), params={"filters": filters}, stream=True, timeout=(DEADLINE, None)
            )
            _refuse_errors(response)
            return CancellableStream(response.iter_content(chunk_size=None), response)

    def _ask(self, path: str, parameters: Mapping[str, str]) -> object:
        with self._translated() as client:
            return _decoded(client, self._path(client, path), parameters)

    def _path(self, client: docker.APIClient, path: str) -> str:
        if not self._version:
            self._version = _negotiated(_decoded(client, f"{client.base_url}/version", {}))
        return f"{client.base_url}/v{self._version}{path}"

    @contextmanager
    def _translated(self) -> Iterator[docker.APIClient]:
        """The client; after a failure it is made anew, with the version asked for again."""
        try:
            if self._client is None:
                tls: Any = docker.utils.kwargs_from_env().get("tls", False)  # DOCKER_TLS_VERIFY, DOCKER_CERT_PATH
                self._client = docker.APIClient(
                    base_url=self.url, version="{}.{}".format(*OLDEST), timeout=round(DEADLINE), tls=tls
                )
                # For a socket there is no proxy and no password to be found in the environment: a third of a call's time.
                self._client.trust_env = not self.url.startswith("unix:")
            yield self._client
        except (docker.errors.DockerException, requests.RequestException, OSError, ValueError) as error:
            if self._client is not None:
                self._client.close()
            self._client, self._version = None, ""
            raise SourceUnavailable(f"the engine at {self.url} does not answer: {words(error)}", self._hint(error)) from error

    def _hint(self, error: Exception) -> str:
        path = self.url.removeprefix("unix://")
        if "Permission denied" in f"{error!r}":
            return f"confgen's user may not open {path}: add its group to the container (group_add), or use a socket proxy"
        if self.url.startswith("unix://") and not _is_socket(path):
            return f"{path} is not there: mount the engine's socket, or set DOCKER_HOST"
        return "is it running? What is live goes on being served, and `confgen watch` tries again by itself"


def _decoded(client: docker.APIClient, url: str, parameters: Mapping[str, str]) -> object:
    """One whole JSON answer within DEADLINE; raises what the library raises, or ValueError."""
    response = client.get(url, params=parameters, stream=True, timeout=DEADLINE)
    closer = threading.Timer(DEADLINE, CancellableStream(iter(()), response).close)
    closer.daemon = True
    closer.start()
    try:
        _refuse_errors(response)
        return json.loads(response.content)
    except RecursionError as error:
        raise ValueError("its answer is nested too deeply") from error
    finally:
        closer.cancel()


def unframed(raw: bytes) -> bytes:
    """A log without the heads of its frames (stream, three zeros, length); a container with a terminal has none."""
    parts, at = [], 0
    while len(raw) >= at + 8 and raw[at] < 3 and raw[at + 1 : at + 4] == b"\0\0\0":
        size = int.from_bytes(raw[at + 4 : at + 8], "big")
        parts.append(raw[at + 8 : at + 8 + size])
        at += 8 + size
    return b"".join((*parts, raw[at:]))


def _refuse_errors(response: requests.Response) -> None:
    if response.status_code >= 400:
        raise ValueError(f"it answers {response.status_code}: {response.text.strip()[:200]}")


def _negotiated(answer: object) -> str:
    """The API version to speak: the engine's own, but none that is newer than what was tried here if it takes older ones."""
    if not isinstance(answer, Mapping):
        raise ValueError("its version is not an object")
    newest, oldest = (_number(str(answer.get(key, "1.24"))) for key in ("ApiVersion", "MinAPIVersion"))
    if newest < OLDEST:
        raise ValueError(f"it speaks API {newest[0]}.{newest[1]}, and 1.41 (Docker 20.10) is the oldest that is understood here")
    return "{}.{}".format(*max(min(newest, NEWEST), oldest))


def _number(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor)


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def refused(error: BaseException) -> bool:
    """Whether nobody listens at the socket any more: its file is there, the engine behind it is not."""
    return any(isinstance(cause, ConnectionRefusedError) for cause in _causes(error))


def words(error: BaseException) -> str:
    """The innermost cause, in a few words: the libraries wrap it several times."""
    inner = list(_causes(error))[-1]
    return str(inner).splitlines()[0][:200] if str(inner) else type(inner).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        # urllib3 and requests carry the cause as an argument too, where `from` was not used
        inner = next((a for a in current.args if isinstance(a, BaseException)), None)
        current = inner or current.__cause__ or current.__context__

"""Every way an answer about a stored file can take, as real servers over one database.

The same request is to get the same answer on each of them (docs/adr/0009-fast-lane.md).
"""

import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from werkzeug.datastructures import EnvironHeaders
from werkzeug.test import Client

from tests.http.application import HOST, Caller
from tests.mongod import Guard
from tests.server import Server
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

AN_HOUR = "3600"
LOCAL: Mapping[str, str] = {"PUBLIC_BASE_URL": f"https://{HOST}"}

COLD, WARM, HOT, LANE, STOCK = "cold", "warm", "hot", "lane", "stock"
FIRST, READING = "first", "reading"
WAYS: Mapping[str, Mapping[str, str]] = {
    # Flask, and the database asked for everything each time.
    COLD: {"AVENUE_CACHE_SECONDS": "0", "AVENUE_CACHE_MB": "0", "AVENUE_FAST_LANE": "off"},
    # Flask with the bytes at hand: what is not believed is never given ahead of it.
    WARM: {"AVENUE_CACHE_SECONDS": "0", "AVENUE_FAST_LANE": "off"},
    # The WSGI layer ahead of Flask.
    HOT: {"AVENUE_CACHE_SECONDS": AN_HOUR, "AVENUE_FAST_LANE": "off"},
    # The worker's event loop.
    LANE: {"AVENUE_CACHE_SECONDS": AN_HOUR},
    # The loop, which has every picture looked for each time as if nobody had asked before.
    FIRST: {"AVENUE_CACHE_SECONDS": "0", "AVENUE_CACHE_MB": "0"},
    # The loop, which has the bytes read each time.
    READING: {"AVENUE_CACHE_SECONDS": AN_HOUR, "AVENUE_CACHE_MB": "0"},
    # gunicorn's own thread worker, as with a gunicorn we do not know.
    STOCK: {"AVENUE_CACHE_SECONDS": AN_HOUR, "GUNICORN_CMD_ARGS": "--worker-class=gthread"},
}


@contextmanager
def servers(guard: Guard, uri: str, *ways: str) -> Iterator[dict[str, Server]]:
    """One server for each of `ways` over the database of `uri`, which is prepared; all at once."""
    with Threads(len(ways)) as pool:
        starting = {way: pool.submit(Server, guard, uri, **LOCAL, **WAYS[way]) for way in ways}
        try:
            yield {way: each.result(DEADLINE_SECONDS) for way, each in starting.items()}
        finally:
            started = [
                each.result(DEADLINE_SECONDS) for each in starting.values() if not each.exception()
            ]
            list(pool.map(Server.stop, started))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One answer as it came: what a client that takes nothing for granted sees of it."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes = field(default=b"", repr=False)

    def all(self, name: str) -> list[str]:
        """The values of every field of this name, which has no case (RFC 9110, section 5.1)."""
        return [value for each, value in self.fields if each.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        """The value of a field, None when there is none; several are joined (section 5.2)."""
        return ", ".join(self.all(name)) if self.all(name) else None


class Line:
    """A connection to a server; a new one when the server has closed the last.

    Where an answer ends, it says itself, so whatever comes behind it breaks the next one, or is
    found when the line is closed.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is None:
            self._hang_up()
        else:
            self._close()

    def ask(self, request: bytes) -> Wire:
        """Send `request` as it is and return the final answer to it."""
        self._socket.sendall(request)
        wire = self._head()
        while wire.status < 200:
            wire = self._head()
        length = wire.get("Content-Length")
        if length is not None and wire.status != 304 and not request.startswith(b"HEAD "):
            wire = replace(wire, body=self._stream.read(int(length)))
        if wire.get("Connection") == "close":
            self._hang_up()
            self._open()
        return wire

    def _open(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), DEADLINE_SECONDS)
        self._stream = self._socket.makefile("rb")

    def _hang_up(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)
        rest = self._stream.read()
        self._close()
        assert rest == b"", rest

    def _close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _head(self) -> Wire:
        line = self._stream.readline()
        start = re.fullmatch(rb"HTTP/1\.[01] ([1-5][0-9]{2}) [\t -~\x80-\xff]*\r\n", line)
        assert start, line
        fields = []
        while (line := self._stream.readline()) != b"\r\n":
            named = re.fullmatch(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*\r\n", line)
            assert named, line
            fields.append((named[1].decode("ascii"), named[2].decode("latin-1")))
        return Wire(status=int(start[1]), fields=tuple(fields))


def ask(server: Server, request: bytes) -> Wire:
    """Send one request on a connection of its own and return the answer."""
    with Line(server.port) as line:
        return line.ask(request)


@dataclass(frozen=True)
class DistantCaller(Caller):
    """Somebody who calls a real server over the database of the application.

    Everything is asked for twice, so that the answer is the one of the shortest way there is.
    """

    server: Server | None = None

    def client(self) -> Client:
        """What sends a request."""
        return Client(self._forwarded, use_cookies=False)

    def _forwarded(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        assert self.server is not None
        method, fields = environ["REQUEST_METHOD"], EnvironHeaders(environ)
        lines = [f"{name}: {value}" for name, value in fields if name != "Content-Length"]
        head = "\r\n".join([f"{method} {environ['RAW_URI']} HTTP/1.1", *lines, "", ""])
        plain = f"GET {environ['RAW_URI']} HTTP/1.1\r\nHost: {environ['HTTP_HOST']}\r\n\r\n"
        ask(self.server, plain.encode("latin-1"))
        wire = ask(self.server, head.encode("latin-1"))
        own = [each for each in wire.fields if each[0] not in OF_GUNICORN]
        start_response(f"{wire.status} {HTTPStatus(wire.status).phrase}", own)
        return [wire.body]


OF_GUNICORN = frozenset({"Server", "Date", "Connection"})

"""Connects to where a URL leads, if that is a public address.

What the name of a host leads to is looked up once for each connection and checked, and the
connection is made to that very address: a name that leads elsewhere a moment later gains nothing
by it.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import BinaryIO, cast

from avenue.outside.addresses import is_public
from avenue.outside.errors import AddressNotAllowed
from avenue.outside.names import Resolve, resolved
from avenue.outside.urls import Target

Dial = Callable[[str, int, float], socket.socket]
"""Connects to a numeric address and a port, within so many seconds; raises OSError."""


def dial(address: str, port: int, seconds: float) -> socket.socket:
    """Return a connection to exactly this address: no name is looked up once more."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect((address, port))
    except BaseException:
        connection.close()
        raise
    return connection


class Patience:
    """How long one still waits, in seconds: to the deadline, and never longer than `idle`."""

    def __init__(self, seconds: float, idle_seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._idle = idle_seconds
        self._stage_ends_at = self._ends_at

    def stage(self, seconds: float | None) -> None:
        """Let what follows take at most `seconds`, or all that is left."""
        ends_at = self._ends_at if seconds is None else time.monotonic() + seconds
        self._stage_ends_at = min(self._ends_at, ends_at)

    def left(self) -> float:
        """Return how long the next wait may be; raise TimeoutError when there is no time left."""
        left = min(self._stage_ends_at - time.monotonic(), self._idle)
        if left <= 0:
            raise TimeoutError
        return left


class GuardedConnection(http.client.HTTPConnection):
    """HTTP over a socket that is open already; every read and write has an end."""

    def __init__(self, target: Target, connected: socket.socket, patience: Patience) -> None:
        host = f"[{target.host}]" if ":" in target.host else target.host
        super().__init__(host, target.port)
        # http.client leaves the usual port out of the Host header; which one that is, is ours.
        self.default_port = 443 if isinstance(connected, ssl.SSLSocket) else 80
        self.sock = _PatientSocket(connected, patience)
        self._connected = connected

    def certificate(self) -> bytes:
        """Return the certificate that the host has shown; b"" where it had to show none."""
        connected = self._connected
        if not isinstance(connected, ssl.SSLSocket):
            return b""
        return connected.getpeercert(binary_form=True) or b""

    def connect(self) -> None:
        """Never connect anew: what the name leads to by now, nobody has checked."""
        raise ConnectionError


class _PatientSocket:
    """What http.client needs of a socket. It is closed by who opened it."""

    def __init__(self, connected: socket.socket, patience: Patience) -> None:
        self._connected = connected
        self._patience = patience

    def sendall(self, data: bytes) -> None:
        """Send all of `data`."""
        self._connected.settimeout(self._patience.left())
        self._connected.sendall(data)

    def makefile(self, _mode: str) -> BinaryIO:
        """Return a file that reads what comes."""
        return cast("BinaryIO", io.BufferedReader(_Reader(self._connected, self._patience)))

    def close(self) -> None:
        """Leave the socket open: an answer may still be read from it."""


class _Reader(io.RawIOBase):
    def __init__(self, connected: socket.socket, patience: Patience) -> None:
        self._connected = connected
        self._patience = patience

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        self._connected.settimeout(self._patience.left())
        return self._connected.recv_into(buffer)


CONNECT_SECONDS = 5.0
HEAD_SECONDS = 10.0
"""From the request to the end of the answer's head."""

MAX_ADDRESSES = 4


class Dialler:
    """Makes connections to public addresses only, encrypted where the URL says so."""

    def __init__(
        self,
        resolve: Resolve = resolved,
        connect: Dial = dial,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._resolve = resolve
        self._connect = connect
        self._tls = tls

    def connected(
        self, target: Target, patience: Patience, open_things: ExitStack
    ) -> GuardedConnection:
        """Return a connection for one request, closed with `open_things`.

        From now on the answer's head may take `HEAD_SECONDS`. Raise `AddressNotAllowed`,
        `FetchTooSlow` or `FetchersBusy` while the name is looked up, and OSError.
        """
        return encrypted(self._dialled(target, patience), target, patience, open_things, self._tls)

    def _dialled(self, target: Target, patience: Patience) -> socket.socket:
        """Return a connection to an address of `target` that was checked."""
        patience.stage(None)
        failure: OSError = ConnectionError()
        for address in self._addresses(target, patience)[:MAX_ADDRESSES]:
            try:
                seconds = min(CONNECT_SECONDS, patience.left())
                return self._connect(address, target.port, seconds)
            except OSError as error:
                failure = error
        raise failure

    def _addresses(self, target: Target, patience: Patience) -> list[str]:
        """Return where `target` leads; raise `AddressNotAllowed`.

        One address that is not public is enough: no host that is meant to be found has one.
        """
        if target.address is not None:
            found = [target.address]
        elif "." in target.host:
            found = self._resolve(target.host, patience.left())
        else:
            found = []
        if not found or not all(map(is_public, found)):
            raise AddressNotAllowed
        return found


def encrypted(
    plain: socket.socket,
    target: Target,
    patience: Patience,
    open_things: ExitStack,
    tls: Callable[[], ssl.SSLContext],
) -> GuardedConnection:
    """Return HTTP over a new connection to `target`, over TLS if its URL says so."""
    connected = open_things.enter_context(plain)
    # Or a body would wait until the head before it is acknowledged.
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    patience.stage(HEAD_SECONDS)
    if target.scheme == "https":
        connected.settimeout(patience.left())
        connected = tls().wrap_socket(connected, server_hostname=target.host)
        open_things.enter_context(connected)
    return GuardedConnection(target, connected, patience)

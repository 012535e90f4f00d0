"""Connects to the host of a URL, if its address is public.

The name of a host is resolved once for each connection and checked, and the connection is made to
exactly that address: changing the name's address afterwards (DNS rebinding) has no effect.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import BinaryIO, cast

from avenue.networks import is_public
from avenue.outside.errors import AddressNotAllowed
from avenue.outside.names import Resolve, resolved
from avenue.outside.urls import Target

Dial = Callable[[str, int, float], socket.socket]
"""Connects to a numeric address and a port, within so many seconds; raises OSError."""


def dial(address: str, port: int, seconds: float) -> socket.socket:
    """Return a connection to exactly this address: no name is resolved again."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect((address, port))
    except BaseException:
        connection.close()
        raise
    return connection


class TimeBudget:
    """The remaining time, in seconds: until the deadline, and at most `idle` for each wait."""

    def __init__(self, seconds: float, idle_seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._idle = idle_seconds
        self._stage_ends_at = self._ends_at

    def stage(self, seconds: float | None) -> None:
        """Limit what follows to `seconds`, or to the remaining time."""
        ends_at = self._ends_at if seconds is None else time.monotonic() + seconds
        self._stage_ends_at = min(self._ends_at, ends_at)

    def left(self) -> float:
        """Return how long the next wait may take; raise TimeoutError if no time is left."""
        left = min(self._stage_ends_at - time.monotonic(), self._idle)
        if left <= 0:
            raise TimeoutError
        return left


class GuardedConnection(http.client.HTTPConnection):
    """HTTP over an open socket; every read and write has a timeout."""

    def __init__(self, target: Target, connected: socket.socket, budget: TimeBudget) -> None:
        host = f"[{target.host}]" if ":" in target.host else target.host
        super().__init__(host, target.port)
        # http.client omits the default port from the Host header; it has to be the right one.
        self.default_port = 443 if isinstance(connected, ssl.SSLSocket) else 80
        self.sock = _TimedSocket(connected, budget)
        self._connected = connected

    def certificate(self) -> bytes:
        """Return the certificate of the host; b"" without TLS."""
        connected = self._connected
        if not isinstance(connected, ssl.SSLSocket):
            return b""
        return connected.getpeercert(binary_form=True) or b""

    def connect(self) -> None:
        """Raise instead of reconnecting: the name's present addresses have not been checked."""
        raise ConnectionError


class _TimedSocket:
    """The part of a socket that http.client needs. Its creator closes it."""

    def __init__(self, connected: socket.socket, budget: TimeBudget) -> None:
        self._connected = connected
        self._budget = budget

    def sendall(self, data: bytes) -> None:
        """Send all of `data`."""
        self._connected.settimeout(self._budget.left())
        self._connected.sendall(data)

    def makefile(self, _mode: str) -> BinaryIO:
        """Return a file that reads the received bytes."""
        return cast("BinaryIO", io.BufferedReader(_Reader(self._connected, self._budget)))

    def close(self) -> None:
        """Leave the socket open: a response may still be read from it."""


class _Reader(io.RawIOBase):
    def __init__(self, connected: socket.socket, budget: TimeBudget) -> None:
        self._connected = connected
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        self._connected.settimeout(self._budget.left())
        return self._connected.recv_into(buffer)


CONNECT_SECONDS = 5.0
HEAD_SECONDS = 10.0
"""From the request to the end of the response's head."""

MAX_ADDRESSES = 4


class Dialler:
    """Makes connections to public addresses only, with TLS if the URL says so."""

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
        self, target: Target, budget: TimeBudget, open_things: ExitStack
    ) -> GuardedConnection:
        """Return a connection for one request, closed with `open_things`.

        From now on the response's head may take `HEAD_SECONDS`. Raise `AddressNotAllowed`,
        `FetchTooSlow` or `FetchersBusy` while the name is resolved, and OSError.
        """
        return encrypted(self._dialled(target, budget), target, budget, open_things, self._tls)

    def _dialled(self, target: Target, budget: TimeBudget) -> socket.socket:
        """Return a connection to a checked address of `target`."""
        budget.stage(None)
        failure: OSError = ConnectionError()
        for address in self._addresses(target, budget)[:MAX_ADDRESSES]:
            try:
                seconds = min(CONNECT_SECONDS, budget.left())
                return self._connect(address, target.port, seconds)
            except OSError as error:
                failure = error
        raise failure

    def _addresses(self, target: Target, budget: TimeBudget) -> list[str]:
        """Return the addresses of `target`; raise `AddressNotAllowed`.

        One address that is not public is enough to reject it: no public host has one.
        """
        if target.address is not None:
            found = [target.address]
        elif "." in target.host:
            found = self._resolve(target.host, budget.left())
        else:
            found = []
        if not found or not all(map(is_public, found)):
            raise AddressNotAllowed
        return found


def encrypted(
    plain: socket.socket,
    target: Target,
    budget: TimeBudget,
    open_things: ExitStack,
    tls: Callable[[], ssl.SSLContext],
) -> GuardedConnection:
    """Return HTTP over a new connection to `target`, over TLS if its URL says so."""
    connected = open_things.enter_context(plain)
    # Otherwise a body would wait until the head is acknowledged.
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    budget.stage(HEAD_SECONDS)
    if target.scheme == "https":
        connected.settimeout(budget.left())
        connected = tls().wrap_socket(connected, server_hostname=target.host)
        open_things.enter_context(connected)
    return GuardedConnection(target, connected, budget)

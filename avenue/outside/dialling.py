"""Connects to where a URL leads, if that is a public address.

What the name of a host leads to is looked up once for each connection and checked, and the
connection is made to that very address: a name that leads elsewhere a moment later gains nothing
by it.
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack

from avenue.outside.addresses import is_public
from avenue.outside.connection import Dial, GuardedConnection, Patience, dial
from avenue.outside.errors import AddressNotAllowed
from avenue.outside.names import Resolve, resolved
from avenue.outside.urls import Target

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

"""An answer on its way out: what the client has not taken yet, and what the application still has.

The worker's threads write answers but wait for a client only for a moment. What it does not take
by then stays here: the event loop (`lane.py`) sends it as the client takes it, and a thread goes
on when it is gone. So a slow reader costs the piece it is reading and never a thread.
"""

import select
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from avenue.web.errors import MB

MOMENT_SECONDS = 0.02
"""How long a thread waits for a client to take a piece. A fast one takes a megabyte meanwhile;
what is left of a slower one's is better sent by the loop."""

MOST_WAITING_BYTES = 64 * MB
"""How much may wait in a worker for clients that take it slowly. What is above waits in threads."""


class Peer(Protocol):
    """What is asked of a connection: a socket that never blocks."""

    def sendmsg(self, buffers: Iterable[memoryview], /) -> int:
        """Send as much as it takes now; raise BlockingIOError when that is nothing."""

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send all of it, however slowly it is taken, within what is allowed."""

    def fileno(self) -> int:
        """Return the descriptor."""


class Outgoing:
    """Bytes a client is to get. gunicorn writes answers into it as into a socket."""

    __slots__ = ("rest",)

    def __init__(self, *pieces: bytes) -> None:
        self.rest = [memoryview(piece) for piece in pieces if piece]

    def sendall(self, data: bytes) -> None:
        """Take `data` to be sent behind what is there; head and first piece then go as one."""
        if data:
            self.rest.append(memoryview(data))

    def send(self, peer: Peer) -> int:
        """Send as much as `peer` takes now; return how many bytes that was."""
        sent = peer.sendmsg(self.rest)
        self.taken(sent)
        return sent

    def taken(self, count: int) -> None:
        """Leave out the first `count` bytes: the client has them."""
        while self.rest and count >= len(self.rest[0]):
            count -= len(self.rest.pop(0))
        if self.rest:
            self.rest[0] = self.rest[0][count:]

    def send_soon(self, peer: Peer) -> bool:
        """Send what `peer` takes within a moment; return whether that was all."""
        give_up_at = 0.0
        while self.rest:
            try:
                self.send(peer)
            except BlockingIOError:
                now = time.monotonic()
                give_up_at = give_up_at or now + MOMENT_SECONDS
                if now >= give_up_at:
                    return False
                poll = select.poll()
                poll.register(peer, select.POLLOUT)
                poll.poll((give_up_at - now) * 1000)
        return True

    def send_all(self, peer: Peer) -> None:
        """Send everything, waiting for `peer` as long as it may take."""
        while self.rest:
            peer.sendall(self.rest.pop(0))


class Departure:
    """An application's answer, written by threads, one at a time, as far as the client takes it.

    `response` is gunicorn's (it knows how the body is framed), `body` the application's.
    """

    def __init__(self, response: Any, body: Iterable[bytes], outgoing: Outgoing) -> None:
        self.response = response
        self.outgoing = outgoing
        self._body = body
        self._pieces = iter(body)
        self._is_written = False

    def go_on(self, peer: Peer, may_wait: Callable[[], bool]) -> bool:
        """Write until all is sent; return False when the loop is to send what is in `outgoing`.

        That is when `peer` takes no more for now and what it should take `may_wait`. Raise what
        the application raises, and OSError when the client is gone or too slow.
        """
        while True:
            if not self.outgoing.send_soon(peer):
                if may_wait():
                    return False
                self.outgoing.send_all(peer)
            if self._is_written:
                return True
            piece = next(self._pieces, None)
            if piece is None:
                self.response.close()
                self._is_written = True
            else:
                self.response.write(piece)
                del piece  # so that it is not held while the next ones are read

    def close(self) -> None:
        """Let the application free what it holds: it was sent, or never will be."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


class Waiting:
    """Counts the bytes that wait to be sent; what several clients wait for is counted once."""

    def __init__(self) -> None:
        self.bytes = 0
        self._clients: dict[int, int] = {}

    def add(self, outgoing: Outgoing) -> list[bytes]:
        """Count what is in `outgoing`, whole pieces; return what `remove` wants."""
        pieces: list[bytes] = [each.obj for each in outgoing.rest]  # type: ignore[misc]
        for piece in pieces:
            clients = self._clients.get(id(piece), 0)
            self._clients[id(piece)] = clients + 1
            self.bytes += 0 if clients else len(piece)
        return pieces

    def remove(self, pieces: list[bytes]) -> None:
        """Count `pieces` no more."""
        for piece in pieces:
            clients = self._clients.pop(id(piece)) - 1
            if clients:
                self._clients[id(piece)] = clients
            else:
                self.bytes -= len(piece)

    def has_room(self) -> bool:
        """Return whether more may wait; for the threads."""
        return self.bytes < MOST_WAITING_BYTES

    def has_room_for(self, piece: bytes) -> bool:
        """Return whether `piece` may wait, if it comes to that."""
        return self.bytes < MOST_WAITING_BYTES or id(piece) in self._clients

"""An answer that is being sent: what the client has not accepted yet, and what is still to come.

The worker's threads write answers but wait for a client only briefly. What it does not accept by
then stays here: the event loop (`worker.py`) sends it as the client accepts it, and a thread
continues afterwards. So a slow reader costs the piece it is reading, in memory or in a file, and
never a thread.
"""

import contextlib
import os
import select
import time
from collections.abc import Iterable
from typing import IO, Any

from avenue.server.file_body import FileBody, FilePart, Peer
from avenue.web.errors import MB

MOMENT_SECONDS = 0.02
"""How long a thread waits for a client to accept a piece. A fast one accepts a megabyte meanwhile;
for a slower one the loop takes over."""

MOST_WAITING_BYTES = 64 * MB
"""Most bytes in a worker's memory that wait for slow clients; more goes to files."""

MOST_WAITING_FILE_BYTES = 512 * MB
"""Most bytes in files. Beyond it, the reader that has waited longest is dropped."""


class Outgoing:
    """Bytes to be sent to a client. gunicorn writes answers into it as into a socket.

    `rest` is what waits in memory, `part` what is in a file and comes after that. `file_bytes` is
    the size of its own file, if `put_down` has moved it there.
    """

    __slots__ = ("_part", "file_bytes", "rest")

    def __init__(self, *pieces: bytes | memoryview, part: FilePart | None = None) -> None:
        self.rest = [memoryview(piece) for piece in pieces if piece]
        self.file_bytes = 0
        self._part = part

    @property
    def left_bytes(self) -> int:
        """Return how many bytes the client has not accepted yet."""
        return sum(map(len, self.rest)) + (self._part.left_bytes if self._part else 0)

    @property
    def is_in_file(self) -> bool:
        """Whether hardly more than a head is in memory."""
        return self._part is not None

    def put_down(self, file: IO[bytes]) -> None:
        """Move what is left from memory to `file`, which is new and unbuffered.

        Raise `OSError` if there is no space: then it stays in memory.
        """
        with file:
            for piece in self.rest:
                part = piece
                while part:
                    part = part[file.write(part) :]
            self.file_bytes = self.left_bytes
            body = FileBody(os.dup(file.fileno()), self.file_bytes)
        self._part = FilePart(body, 0, self.file_bytes)
        self.rest.clear()

    def close(self) -> None:
        """Close the file."""
        self._part = None
        self.file_bytes = 0

    def sendall(self, data: bytes) -> None:
        """Append `data`; head and first piece are then sent as one."""
        if data:
            self.rest.append(memoryview(data))

    def send(self, peer: Peer) -> int:
        """Send as much as `peer` accepts now; return how many bytes that was."""
        if self._part is None:
            sent = peer.sendmsg(self.rest)
            self.taken(sent)
            return sent
        sent = self._part.send(peer, self.rest)
        self.taken(min(sent, sum(map(len, self.rest))))
        if not self._part.left_bytes:
            self.close()
        return sent

    def taken(self, count: int) -> None:
        """Drop the first `count` bytes: the client has them."""
        while self.rest and count >= len(self.rest[0]):
            count -= len(self.rest.pop(0))
        if self.rest:
            self.rest[0] = self.rest[0][count:]

    def send_soon(self, peer: Peer) -> bool:
        """Send what `peer` accepts within `MOMENT_SECONDS`; return whether that was all."""
        give_up_at = 0.0
        while self.left_bytes:
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


def send_at_once(peer: Peer, head: bytes, body: bytes | memoryview | FilePart) -> Outgoing | None:
    """Send what `peer` accepts now; return the rest, None if that was all. Raise OSError."""
    if isinstance(body, FilePart):
        outgoing = Outgoing(head, part=body)
        with contextlib.suppress(BlockingIOError):
            outgoing.send(peer)
        return outgoing if outgoing.left_bytes else None
    try:
        sent = peer.sendmsg((head, body) if body else (head,))
    except BlockingIOError:
        sent = 0
    if sent == len(head) + len(body):
        return None
    outgoing = Outgoing(head, body)
    outgoing.taken(sent)
    return outgoing


class Departure:
    """An application's answer, written by threads, one at a time, as far as the client accepts it.

    `response` is gunicorn's (it knows the framing of the body), `body` the application's.
    """

    def __init__(self, response: Any, body: Iterable[bytes], outgoing: Outgoing) -> None:
        self.response = response
        self.outgoing = outgoing
        self._body = body
        self._pieces = iter(body)
        self._is_written = False

    def go_on(self, peer: Peer) -> bool:
        """Write until all is sent; return False if the loop should send what is in `outgoing`.

        That is the case if `peer` accepts no more for now. Raises as the application, and OSError
        if the client is gone.
        """
        while True:
            if not self.outgoing.send_soon(peer):
                return False
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
        """Close the application's answer, whether it was sent or not."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


class Waiting:
    """Counts the bytes that wait to be sent; bytes shared by several clients count once."""

    def __init__(self) -> None:
        self.bytes = 0
        self._clients: dict[int, int] = {}

    def add(self, outgoing: Outgoing) -> list[bytes]:
        """Count the whole pieces of `outgoing`; return the argument for `remove`."""
        pieces: list[bytes] = [each.obj for each in outgoing.rest]  # type: ignore[misc]
        for piece in pieces:
            clients = self._clients.get(id(piece), 0)
            self._clients[id(piece)] = clients + 1
            self.bytes += 0 if clients else len(piece)
        return pieces

    def remove(self, pieces: list[bytes]) -> None:
        """Stop counting `pieces`."""
        for piece in pieces:
            clients = self._clients.pop(id(piece)) - 1
            if clients:
                self._clients[id(piece)] = clients
            else:
                self.bytes -= len(piece)

    def has_room_for(self, outgoing: Outgoing) -> bool:
        """Return whether the content of `outgoing` may wait in memory."""
        pieces: list[bytes] = [each.obj for each in outgoing.rest]  # type: ignore[misc]
        more = sum(len(each) for each in pieces if id(each) not in self._clients)
        return self.bytes + more <= MOST_WAITING_BYTES

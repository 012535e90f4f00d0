"""An answer on its way out: what the client has not taken yet, and what the application still has.

The worker's threads write answers but wait for a client only for a moment. What it does not take
by then stays here: the event loop (`worker.py`) sends it as the client takes it, and a thread goes
on when it is gone. So a slow reader costs the piece it is reading, in memory or in a file, and
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
"""How long a thread waits for a client to take a piece. A fast one takes a megabyte meanwhile;
what is left of a slower one's is better sent by the loop."""

MOST_WAITING_BYTES = 64 * MB
"""How much may wait in a worker's memory for clients that take it slowly; more goes to files."""

MOST_WAITING_FILE_BYTES = 512 * MB
"""How much may wait in files. With more, who has waited longest is dropped."""


class Outgoing:
    """Bytes a client is to get. gunicorn writes answers into it as into a socket.

    `rest` is what waits in memory, `part` what is in a file and comes after that. `file_bytes` are
    those that had to be put into a file of their own by `put_down`.
    """

    __slots__ = ("_part", "file_bytes", "rest")

    def __init__(self, *pieces: bytes | memoryview, part: FilePart | None = None) -> None:
        self.rest = [memoryview(piece) for piece in pieces if piece]
        self.file_bytes = 0
        self._part = part

    @property
    def left_bytes(self) -> int:
        """How much the client has not taken yet."""
        return sum(map(len, self.rest)) + (self._part.left_bytes if self._part else 0)

    @property
    def is_in_file(self) -> bool:
        """Whether hardly more than a head is in memory."""
        return self._part is not None

    def put_down(self, file: IO[bytes]) -> None:
        """Let what is left wait in `file`, which is new and unbuffered, instead of in memory.

        Raise `OSError` when there is no room for it: then it waits in memory as before.
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
        """Let go of the file."""
        self._part = None
        self.file_bytes = 0

    def sendall(self, data: bytes) -> None:
        """Take `data` to be sent behind what is there; head and first piece then go as one."""
        if data:
            self.rest.append(memoryview(data))

    def send(self, peer: Peer) -> int:
        """Send as much as `peer` takes now; return how many bytes that was."""
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
        """Leave out the first `count` bytes: the client has them."""
        while self.rest and count >= len(self.rest[0]):
            count -= len(self.rest.pop(0))
        if self.rest:
            self.rest[0] = self.rest[0][count:]

    def send_soon(self, peer: Peer) -> bool:
        """Send what `peer` takes within a moment; return whether that was all."""
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
    """Send what `peer` takes now; return what is left, None when that was all. Raise OSError."""
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
    """An application's answer, written by threads, one at a time, as far as the client takes it.

    `response` is gunicorn's (it knows how the body is framed), `body` the application's.
    """

    def __init__(self, response: Any, body: Iterable[bytes], outgoing: Outgoing) -> None:
        self.response = response
        self.outgoing = outgoing
        self._body = body
        self._pieces = iter(body)
        self._is_written = False

    def go_on(self, peer: Peer) -> bool:
        """Write until all is sent; return False when the loop is to send what is in `outgoing`.

        That is when `peer` takes no more for now. Raise what the application raises, and OSError
        when the client is gone.
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

    def has_room_for(self, outgoing: Outgoing) -> bool:
        """Return whether what is in `outgoing` may wait in memory."""
        pieces: list[bytes] = [each.obj for each in outgoing.rest]  # type: ignore[misc]
        more = sum(len(each) for each in pieces if id(each) not in self._clients)
        return self.bytes + more <= MOST_WAITING_BYTES

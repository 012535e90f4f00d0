"""A body in a file, which is sent without passing through the process.

Several answers may share one. Small pictures that are requested often are mapped, which sends them
twice as fast over a fast connection; a mapping is the kernel's memory, shared by all processes.
"""

import contextlib
import mmap
import os
import socket
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

MOST_MAPPED_BYTES = 4 * 1024 * 1024
ASKED_OFTEN = 2
"""How often a body is requested before it is mapped: most are used only once."""
PIECE_BYTES = 1024 * 1024
"""How much of it is in memory, and sent in one call, so that other connections are served."""
NOT_WAITING = getattr(os, "RWF_NOWAIT", None)
"""Linux: read only what is in the page cache."""


class FileBody:
    """The first `length` bytes of the file `descriptor`, which is closed with it."""

    __slots__ = ("_asked", "_descriptor", "_length", "_mapped")

    def __init__(self, descriptor: int, length: int) -> None:
        self._descriptor = descriptor
        self._length = length
        self._asked = 0
        self._mapped: mmap.mmap | None = None

    def __del__(self) -> None:
        """Close the file; a mapping stays valid as long as it is used."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)

    def __len__(self) -> int:
        """Return its length in bytes."""
        return self._length

    def __getitem__(self, part: slice) -> bytes:
        """Return the bytes of a slice."""
        start, end, _ = part.indices(self._length)
        return os.pread(self._descriptor, max(0, end - start), start)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def mapped(self) -> mmap.mmap | None:
        """Return the bytes as memory, None if they are many or rarely requested."""
        self._asked += 1
        if self._mapped is None and self._asked >= ASKED_OFTEN:
            if not 0 < self._length <= MOST_MAPPED_BYTES:
                return None
            with contextlib.suppress(OSError):  # no space for another mapping
                self._mapped = mmap.mmap(self._descriptor, self._length, prot=mmap.PROT_READ)
        return self._mapped

    def touch(self) -> None:
        """Set the time at which the file was used last."""
        with contextlib.suppress(OSError):
            os.utime(self._descriptor)

    def is_in_memory(self) -> bool:
        """Return whether sending it will hardly wait for the disk: both its ends are cached."""
        if NOT_WAITING is None:
            return True
        byte = bytearray(1)
        try:
            for place in (0, max(0, self._length - 1)):
                os.preadv(self._descriptor, [byte], place, NOT_WAITING)
        except BlockingIOError:
            return False
        except OSError:  # a file system that cannot tell
            return True
        return True

    def load(self) -> None:
        """Read it once, so that sending it does not wait for the disk."""
        for _ in pieces_of(self, 0, self._length):
            pass


Body = bytes | FileBody
"""A body in memory or in a file."""


def pieces_of(body: Body, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes `start` to `end` (exclusive), at most 1 MiB of a file at a time."""
    if isinstance(body, bytes):
        yield body[start:end]
        return
    while start < end:
        yield body[start : min(start + PIECE_BYTES, end)]
        start += PIECE_BYTES


class Peer(Protocol):
    """The interface of a connection: a non-blocking socket."""

    def sendmsg(
        self,
        buffers: Iterable[bytes | memoryview],
        ancillary: Iterable[Any] = (),
        flags: int = 0,
        /,
    ) -> int:
        """Send as much as it accepts now; raise BlockingIOError if that is nothing."""

    def fileno(self) -> int:
        """Return the descriptor."""


class FilePart:
    """The bytes `start` to `end` (exclusive) of a body in a file, being sent to a client."""

    __slots__ = ("_at", "_body", "_end", "_mapped", "_start")

    def __init__(self, body: FileBody, start: int, end: int) -> None:
        self._body = body
        self._start, self._at, self._end = start, start, end
        self._mapped = body.mapped()

    def __len__(self) -> int:
        """Return its total length in bytes."""
        return self._end - self._start

    @property
    def left_bytes(self) -> int:
        """Return how many bytes are not sent yet."""
        return self._end - self._at

    def send(self, peer: Peer, head: list[memoryview]) -> int:
        """Send as much of `head` and then of this as `peer` accepts now; return how much that was.

        Raise `BlockingIOError` if that is nothing, and `OSError`.
        """
        if self._mapped is not None:
            view = memoryview(self._mapped)[self._at : self._end]
            sent = peer.sendmsg([*head, view])
            self._at += max(0, sent - sum(map(len, head)))
            return sent
        sent, wanted = 0, sum(map(len, head))
        if wanted:
            sent = peer.sendmsg(head, (), socket.MSG_MORE)
        if sent == wanted:
            with contextlib.suppress(BlockingIOError) if sent else contextlib.nullcontext():
                sent += self._send_some(peer)
        return sent

    def _send_some(self, peer: Peer) -> int:
        count = min(self.left_bytes, PIECE_BYTES)
        sent = os.sendfile(peer.fileno(), self._body.fileno(), self._at, count)
        if not sent:
            raise OSError("the file is shorter than it was")
        self._at += sent
        return sent

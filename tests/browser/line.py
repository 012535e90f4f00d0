"""A line between a browser and a server that breaks where a test says."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from tests.mongod import free_port
from tests.waiting import DEADLINE_SECONDS

HERE = "127.0.0.1"
PIECE_BYTES = 16 * 1024
Break = Callable[["Wire"], None]


class Line:
    """Passes bytes on, between `port` here and the port `to`, which may change with a new server.

    `breaks` are used up one by one, each by the next upload that comes through: `within(count)`
    cuts after so many bytes of it, `unanswered` once it was whole and before its answer. An
    upload is a request whose path has `?name=`.
    """

    def __init__(self, to: int) -> None:
        self.to = to
        self.breaks: list[Break] = []
        self.uploads: list[bytes] = []
        """The head of each upload, as it came."""
        self._wires: list[Wire] = []
        self._listening = socket.create_server((HERE, free_port()), reuse_port=False)
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def hang_up(self) -> None:
        """End all connections, so that the next upload has one of its own.

        On a connection that was used before, Chromium repeats a request that broke by itself.
        """
        for wire in self._wires:
            wire.cut()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._connect, args=[near], daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection((HERE, self.to), DEADLINE_SECONDS)
            far.settimeout(None)  # it may be silent for as long as it likes
        except OSError:
            near.close()
            return
        wire = Wire(self, near, far)
        self._wires.append(wire)
        threading.Thread(target=wire.back, daemon=True).start()
        wire.forth()


class Wire:
    """One connection, and the upload that is on it just now."""

    def __init__(self, line: Line, near: socket.socket, far: socket.socket) -> None:
        self.line, self.near, self.far = line, near, far
        self.passed_bytes = 0
        self.limit_bytes: int | None = None
        self.drops_answer = False
        self.at_limit: Callable[[], object] = lambda: None

    def forth(self) -> None:
        """Pass on what the browser says."""
        with suppress(OSError):
            while piece := self.near.recv(PIECE_BYTES):
                head = piece.split(b"\r\n\r\n")[0]
                if piece.startswith(b"POST ") and b"?name=" in head.split(b"\r\n")[0]:
                    self.line.uploads.append(head)
                    self.passed_bytes, self.limit_bytes, self.drops_answer = 0, None, False
                    with suppress(IndexError):  # another upload may take the last one just now
                        self.line.breaks.pop(0)(self)
                self.passed_bytes += len(piece)
                if self.limit_bytes is not None and self.passed_bytes >= self.limit_bytes:
                    self.at_limit()
                    break
                self.far.sendall(piece)
        self.cut()

    def back(self) -> None:
        """Pass on what the server says."""
        with suppress(OSError):
            while piece := self.far.recv(PIECE_BYTES):
                if self.drops_answer:
                    break
                self.near.sendall(piece)
        self.cut()

    def cut(self) -> None:
        for end in (self.near, self.far):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def within(count_bytes: int, then: Callable[[], object] = lambda: None) -> Break:
    """Cut the upload after `count_bytes`; `then` happens first."""

    def prepare(wire: Wire) -> None:
        wire.limit_bytes, wire.at_limit = count_bytes, then

    return prepare


def unanswered(wire: Wire) -> None:
    """Let the upload through whole and lose its answer."""
    wire.drops_answer = True

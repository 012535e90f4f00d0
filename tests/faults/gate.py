"""A way to a server that lets so many bytes through and then waits."""

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from tests.mongod import free_port
from tests.waiting import DEADLINE_SECONDS

HERE = "127.0.0.1"
PIECE_BYTES = 64 * 1024


class Gate:
    """Passes bytes on between `port` and the port `to`.

    When `stops` bytes have gone to the server, on all connections together, it holds what follows
    until `open`.
    """

    def __init__(self, to: int, stops: Sequence[int]) -> None:
        self.to = to
        self._stops = list(stops)
        self._passed_bytes = 0
        self._reached = threading.Semaphore(0)
        self._opened = threading.Semaphore(0)
        self._listening = socket.create_server((HERE, free_port()))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _stop in range(10):
            self._opened.release()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def wait_for_stop(self) -> None:
        """Return when the next stop is reached."""
        assert self._reached.acquire(timeout=DEADLINE_SECONDS), "nothing comes through"

    def open(self) -> None:
        """Let through what is held."""
        self._opened.release()

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
        threading.Thread(target=self._pass, args=[far, near], daemon=True).start()
        self._pass(near, far, counts=True)

    def _pass(self, source: socket.socket, target: socket.socket, *, counts: bool = False) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                target.sendall(piece)
                if counts:
                    self._count(len(piece))
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _count(self, count: int) -> None:
        self._passed_bytes += count
        if self._stops and self._passed_bytes >= self._stops[0]:
            self._stops.pop(0)
            self._reached.release()
            self._opened.acquire(timeout=DEADLINE_SECONDS)

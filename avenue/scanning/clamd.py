"""Client of clamd: `clamd://host:port`, or `clamd:///path/to/socket` on the same machine.

Each command has its own connection. Data to scan (`INSTREAM`) is sent in pieces, each after its
length in four bytes, an empty one last; the answer is one line. clamd scans no more than its
`StreamMaxLength` and closes the connection at that point, after its answer.
"""

import socket
import struct
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

from avenue.scanning.errors import ScannerAway

DEFAULT_PORT = 3310
CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0
"""Timeout of commands other than scans."""
LONGEST_ANSWER = 4096
LONGEST_NAME = 200
PIECE_BYTES = 256 * 1024
BYTES_PER_SECOND = 1024 * 1024
"""The minimum speed of a scan; large files get time accordingly."""
REST_SECONDS = 5.0
"""How long an unreachable scanner is not tried again."""
DATABASE_SECONDS = 60.0
"""How long its database version is cached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of a scan: the `signature` that matched, None for a clean file.

    `is_too_large`: unknown, since it scans no file of that size. `database` is the version of its
    signatures.
    """

    database: str
    signature: str | None = None
    is_too_large: bool = False


class Clamd:
    """A clamd server; safe to use from many threads."""

    def __init__(
        self,
        url: str,
        *,
        seconds: float,
        most_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`seconds` is the timeout of a scan in addition to a second per MB.

        Files of more than `most_bytes` are not sent: their verdict is unknown.
        """
        self._address = address_of(url)
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._clock = clock
        self._away_until = float("-inf")
        self._known = ""
        self._known_until = float("-inf")

    def scan(self, pieces: Iterable[bytes], length: int) -> Verdict:
        """Return the verdict on `length` bytes; raise `ScannerAway`."""
        database = self.database()
        if length > self._most_bytes:
            return Verdict(database=database, is_too_large=True)
        with self._connected(self._seconds + length / BYTES_PER_SECOND) as link:
            return _verdict(link.scanned(pieces), database)

    def database(self, *, now: bool = False) -> str:
        """Return the version of its signatures, `now` or at most a minute old.

        Raise `ScannerAway`.
        """
        if now or self._clock() >= self._known_until:
            try:
                with self._connected(ANSWER_SECONDS) as link:
                    self._known = link.asked("VERSION")[:LONGEST_NAME]
            except ScannerAway:
                self._away_until = max(self._away_until, self._clock() + REST_SECONDS)
                raise
            self._known_until = self._clock() + DATABASE_SECONDS
        return self._known

    def _connected(self, seconds: float) -> "_Link":
        if self._clock() < self._away_until:
            raise ScannerAway
        try:
            return _Link(self._address, seconds)
        except OSError as error:
            self._away_until = self._clock() + REST_SECONDS
            raise ScannerAway from error


class _Link:
    """A connection for one command, with a deadline that holds whatever the server does."""

    def __init__(self, address: str | tuple[str, int], seconds: float) -> None:
        self._over_at = time.monotonic() + seconds
        if isinstance(address, str):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self._socket.settimeout(CONNECT_SECONDS)
                self._socket.connect(address)
            except OSError:
                self._socket.close()
                raise
        else:
            self._socket = socket.create_connection(address, CONNECT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def asked(self, command: str) -> str:
        """Return the answer to a one-word command."""
        try:
            self._send(f"z{command}\0".encode())
        except OSError as error:
            raise ScannerAway from error
        return self._answer()

    def scanned(self, pieces: Iterable[bytes]) -> str:
        """Return the answer to a file."""
        with suppress(BrokenPipeError, ConnectionResetError):  # it has read enough, and answered
            try:
                self._send(b"zINSTREAM\0")
                for piece in pieces:
                    for start in range(0, len(piece), PIECE_BYTES):
                        some = piece[start : start + PIECE_BYTES]
                        self._send(struct.pack("!I", len(some)) + some)
                self._send(struct.pack("!I", 0))
            except TimeoutError as error:
                raise ScannerAway from error
        return self._answer()

    def _send(self, data: bytes) -> None:
        self._socket.settimeout(self._left())
        self._socket.sendall(data)

    def _answer(self) -> str:
        answer = b""
        try:
            while not answer.endswith(b"\0"):
                self._socket.settimeout(self._left())
                some = self._socket.recv(LONGEST_ANSWER)
                answer += some
                if not some or len(answer) > LONGEST_ANSWER:
                    break
        except OSError as error:
            if not answer:
                raise ScannerAway from error
        if not answer or len(answer) > LONGEST_ANSWER:
            raise ScannerAway
        return answer.rstrip(b"\0\r\n").decode("utf-8", "replace")

    def _left(self) -> float:
        left = self._over_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def address_of(url: str) -> str | tuple[str, int]:
    """Return the path of the socket, or host and port, of AVENUE_SCANNER."""
    parts = urlsplit(url)
    if parts.hostname:
        return parts.hostname, parts.port or DEFAULT_PORT
    return unquote(parts.path)


def _verdict(answer: str, database: str) -> Verdict:
    """Return the verdict of an answer to `INSTREAM`; raise `ScannerAway` for an unexpected one."""
    said = answer.removeprefix("stream: ")
    if said == "OK":
        return Verdict(database=database)
    if said.endswith(" FOUND"):
        name = said.removesuffix(" FOUND").strip()[:LONGEST_NAME]
        return Verdict(database=database, signature=name or "unnamed")
    if "size limit exceeded" in said:
        return Verdict(database=database, is_too_large=True)
    raise ScannerAway

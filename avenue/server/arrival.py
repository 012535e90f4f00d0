"""A request that is arriving: the bytes received so far, whether it is complete, its deadline.

The worker's event loop (`worker.py`) collects requests here before a thread gets them, so a slow
connection costs a little memory or a temporary file and never a thread. The syntax is not checked
here: gunicorn's parser reads the collected bytes and is the only judge.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from avenue.web.errors import KB, MB, SpoolUnavailable

HEAD_BYTES = 64 * KB
"""Longest head collected. gunicorn's own limits (a line of 4094, fields of 8190) are below it."""

MEMORY_BODY_BYTES = 64 * KB
"""How much of a body stays in memory; the rest goes to an unlinked file."""

READ_BYTES = 256 * KB
"""Most read from one connection at a time, so that a fast sender cannot block the loop."""

CHUNKED_READ_BYTES = 32 * KB
"""The same for a chunked body: with one-byte chunks Python loops once every six bytes."""

CHUNK_LINE_BYTES = 8190
"""Longest line of a chunked body (gunicorn's limit of a field)."""

SPOOL_MEMORY_BYTES = 32 * MB
SPOOL_BODY_BYTES = SPOOL_MEMORY_BYTES // 2
"""How much of it bodies may use, which can go to files. Heads cannot."""
SPOOL_FILE_BYTES = 512 * MB


@dataclass(slots=True)
class Pace:
    """The minimum speed of a peer: `window_bytes` within `window_seconds` of waiting.

    Time counts only between `start` and `passed`, so our own work never counts against a peer.
    """

    window_seconds: float
    window_bytes: int
    left_seconds: float = 0.0
    left_bytes: int = 0
    since: float = 0.0

    def __post_init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Start a new window."""
        self.left_seconds = self.window_seconds
        self.left_bytes = self.window_bytes

    def start(self, now: float) -> None:
        """Note that we wait for the peer from `now` (monotonic seconds) on."""
        self.since = now

    def passed(self, now: float) -> bool:
        """Add the time waited until `now`; return whether the peer is too slow."""
        self.left_seconds -= now - self.since
        self.since = now
        return self.left_seconds <= 0

    def moved(self, count: int) -> None:
        """Add `count` transferred bytes."""
        self.left_bytes -= count
        if self.left_bytes <= 0:
            self.renew()


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """The length of a body according to its head.

    `odd` heads contradict themselves or cannot be understood here: nothing is collected for them,
    the parser refuses them. `expects` is a valid `Expect: 100-continue` (HTTP/1.1).
    """

    body_bytes: int = 0
    chunked: bool = False
    expects: bool = False
    odd: bool = False


NO_BODY = Framing()
ODD = Framing(odd=True)


def framing_of(head: bytes) -> Framing:
    """Return how long the body will be, from `head` (all lines with the empty one)."""
    lower = head.lower()
    lengths = lower.count(b"\r\ncontent-length:")
    codings = lower.count(b"\r\ntransfer-encoding:")
    if not lengths and not codings:
        return NO_BODY
    expectation = _field(lower, b"expect")
    if lengths + bool(codings) > 1 or expectation not in {None, b"100-continue"}:
        return ODD
    modern = not lower.partition(b"\r\n")[0].endswith(b" http/1.0")
    expects = modern and expectation is not None
    if codings:
        *others, last = _values(lower, b"transfer-encoding")
        is_chunked = modern and last == b"chunked" and last not in others
        return Framing(chunked=True, expects=expects) if is_chunked else ODD
    length = _field(lower, b"content-length") or b""
    # RFC 9110 8.6 allows digits only. More than 18 of them cannot be a length.
    if not length.isdigit() or len(length) > 18:  # noqa: PLR2004
        return ODD
    return Framing(body_bytes=int(length), expects=expects)


def forwarded_for(head: bytes, hops: int) -> str | None:
    """Return the client's address as seen by the outermost of our `hops` proxies, if forwarded.

    `hosts.py` uses the same rule for the application.
    """
    addresses = _values(head.lower(), b"x-forwarded-for")
    return addresses[-hops].decode("latin-1") if len(addresses) >= hops else None


def _values(lower: bytes, name: bytes) -> list[bytes]:
    """Return the values of a field; several lines are one list (RFC 9110 section 5.3)."""
    lines = lower.split(b"\r\n" + name + b":")[1:]
    values = b",".join(line.partition(b"\r\n")[0] for line in lines)
    return [each.strip(b" \t") for each in values.split(b",")]


def _field(lower: bytes, name: bytes) -> bytes | None:
    _, found, rest = lower.partition(b"\r\n" + name + b":")
    return rest.partition(b"\r\n")[0].strip(b" \t") if found else None


class ChunkWalk:
    """Finds the end of a chunked body (RFC 9112 section 7.1).

    Invalid bytes count as the end too: the parser meets them at the same place and refuses them.
    """

    __slots__ = ("_in_chunk", "_last", "_line", "_skip")

    def __init__(self) -> None:
        self._skip = 0
        self._in_chunk = False
        self._line = b""
        self._last = False

    def ends_in(self, piece: bytes) -> bool:
        """Continue through `piece`; return whether the body ends in it."""
        at = 0
        while at < len(piece):
            if self._skip:
                step = min(self._skip, len(piece) - at)
                self._skip -= step
                at += step
                continue
            end = piece.find(b"\n", at) + 1
            if not end:
                self._line += piece[at:]
                return len(self._line) > CHUNK_LINE_BYTES
            line, self._line, at = self._line + piece[at:end], b"", end
            if self._is_end(line):
                return True
        return False

    def _is_end(self, line: bytes) -> bool:
        if self._last:  # trailers, up to an empty line
            return line == b"\r\n"
        if self._in_chunk:
            self._in_chunk = False
            return line != b"\r\n"
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            return True
        self._last = size == 0
        self._in_chunk = size > 0
        self._skip = max(0, size)
        return size < 0


class Spool:
    """The memory and files that a worker may use for arriving requests and answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.memory_bytes = 0
        self.file_bytes = 0

    def open(self) -> IO[bytes]:
        """Return a new file without a name. Raise `OSError` if that fails."""
        return tempfile.TemporaryFile(dir=self.folder, buffering=0)

    def take_memory(self, count: int, most: int) -> bool:
        """Count `count` bytes as held in memory; return False if that exceeds `most`."""
        if self.memory_bytes + count > most:
            return False
        self.memory_bytes += count
        return True

    def take_file(self, count: int) -> None:
        """Count `count` bytes as held in files. Raise `SpoolUnavailable` if that is too much."""
        if self.file_bytes + count > SPOOL_FILE_BYTES:
            raise SpoolUnavailable
        self.file_bytes += count


class Arrival:
    """A request that is arriving: `data` first, then `file`.

    `whole`: nothing more is to be read from the connection for it; `ended`: the client will send
    nothing more; `over`: its head is longer than `HEAD_BYTES`.
    """

    __slots__ = (
        "_live_from_bytes",
        "_searched",
        "_spool",
        "_walk",
        "data",
        "ended",
        "file",
        "file_bytes",
        "framing",
        "head_bytes",
        "over",
        "whole",
    )

    def __init__(self, spool: Spool, live_from_bytes: int) -> None:
        """Bodies above `live_from_bytes` are not collected: a thread reads them as they arrive."""
        self._spool = spool
        self._live_from_bytes = live_from_bytes
        self._searched = 0
        self._walk: ChunkWalk | None = None
        self.data = bytearray()
        self.file: IO[bytes] | None = None
        self.file_bytes = 0
        self.head_bytes = 0
        self.framing: Framing | None = None
        self.whole = False
        self.ended = False
        self.over = False

    def wants(self) -> int:
        """Return how many bytes to read next; never past the end of a declared body."""
        if self.framing is None:
            return HEAD_BYTES - len(self.data)
        if self.framing.chunked:
            return CHUNKED_READ_BYTES
        return min(READ_BYTES, self.head_bytes + self.framing.body_bytes - self.received_bytes)

    @property
    def received_bytes(self) -> int:
        """Return the number of received bytes, including the head."""
        return len(self.data) + self.file_bytes

    def add(self, piece: memoryview) -> bool:
        """Store `piece`; return whether a thread can have the request now.

        Raise `SpoolUnavailable` if the worker has no space for it.
        """
        self._keep(piece)
        if self.framing is None:
            if not self._find_head():
                return self.whole
            return self._is_ready(bytes(self.data[self.head_bytes :]))
        return self._is_ready(piece)

    @property
    def is_open(self) -> bool:
        """Whether the client may still be sending data of this request."""
        known = self.framing is not None and not self.framing.odd
        return not self.ended and not (self.whole and known)

    def end(self) -> None:
        """Note that the client will send nothing more."""
        self.ended = self.whole = True

    def release(self) -> None:
        """Release memory and file."""
        self._spool.memory_bytes -= len(self.data)
        self._spool.file_bytes -= self.file_bytes
        self.data = bytearray()
        self.file_bytes = 0
        if self.file is not None:
            self.file.close()
            self.file = None

    def _find_head(self) -> bool:
        at = self.data.find(b"\r\n\r\n", max(0, self._searched - 3))
        if at >= 0:
            self.head_bytes = at + 4
            self.framing = framing_of(bytes(memoryview(self.data)[: self.head_bytes]))
            return True
        # The parser refuses a line that ends without CR at once, so it need not wait.
        start = self._searched
        lines = self.data.count(b"\n", start)
        bare = lines and lines != self.data.count(b"\r\n", max(0, start - 1))
        self._searched = len(self.data)
        self.over = len(self.data) >= HEAD_BYTES
        self.whole = self.over or bool(bare)
        return False

    def _is_ready(self, piece: bytes | memoryview) -> bool:
        framing = self.framing or NO_BODY
        body_bytes = self.received_bytes - self.head_bytes
        if framing.chunked:
            self._walk = self._walk or ChunkWalk()
            self.whole = self._walk.ends_in(bytes(piece))
            return self.whole or body_bytes > self._live_from_bytes
        self.whole = framing.odd or body_bytes >= framing.body_bytes
        return self.whole or framing.body_bytes > self._live_from_bytes

    def _keep(self, piece: memoryview) -> None:
        fits = self.file is None and (
            self.framing is None
            or len(self.data) + len(piece) <= self.head_bytes + MEMORY_BODY_BYTES
        )
        most = SPOOL_MEMORY_BYTES if self.framing is None else SPOOL_BODY_BYTES
        if fits and self._spool.take_memory(len(piece), most):
            self.data += piece
            return
        if self.framing is None:
            raise SpoolUnavailable
        self._write(piece)

    def _write(self, piece: memoryview) -> None:
        self._spool.take_file(len(piece))
        self.file_bytes += len(piece)
        try:
            self.file = self.file or self._spool.open()
            rest = piece
            while rest:
                rest = rest[self.file.write(rest) :]
        except OSError as error:  # no file descriptor or no space on the disk
            raise SpoolUnavailable from error

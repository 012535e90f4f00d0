"""Answers on their way out, against a peer that takes as much as it is told to."""

import socket
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from avenue.server import departure
from avenue.server.departure import Departure, Outgoing, Waiting


class Peer:
    """Takes `room` bytes, then nothing until it gets more room."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken = b""

    def sendmsg(self, buffers: Iterable[memoryview], /) -> int:
        if not self.room:
            raise BlockingIOError
        took = b"".join(buffers)[: self.room]
        self.taken += took
        self.room -= len(took)
        return len(took)


class Response:
    """As gunicorn's: writes a head before the first piece, and an end."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self.headers_sent = False

    def write(self, piece: bytes) -> None:
        if not self.headers_sent:
            self._outgoing.sendall(b"head ")
        self.headers_sent = True
        self._outgoing.sendall(piece)

    def close(self) -> None:
        self._outgoing.sendall(b" end")


class Piece(bytearray):
    """Bytes that can be seen to go."""


@pytest.fixture(autouse=True)
def _nobody_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without descriptors there is nothing to wait for."""
    monkeypatch.setattr(departure, "MOMENT_SECONDS", 0.0)
    monkeypatch.setattr(departure.select, "poll", NeverReady)


class NeverReady:
    def register(self, peer: Any, event: int) -> None:
        pass

    def poll(self, milliseconds: float) -> list[Any]:
        return []


def answer(*pieces: bytes) -> Departure:
    outgoing = Outgoing()
    return Departure(Response(outgoing), pieces, outgoing)


@pytest.mark.parametrize("room", range(1, 20))
def test_an_answer_comes_in_order_whatever_the_client_takes_at_once(room: int) -> None:
    going, peer, turns = answer(b"abc", b"", b"defg"), Peer(room), 0
    while not going.go_on(peer):
        peer.room = room
        turns += 1
    assert peer.taken == b"head abcdefg end"
    assert turns == (len(peer.taken) - 1) // room


def test_what_waits_in_a_file_is_sent_from_it() -> None:
    outgoing = Outgoing(b"abc", bytes(300_000), b"defg")
    outgoing.taken(1)
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with its last byte
    outgoing.put_down(file)
    assert (outgoing.rest, outgoing.left_bytes) == ([], 300_006)
    came = b""
    here, there = socket.socketpair()
    here.setblocking(False)
    with here, there:
        while outgoing.left_bytes:
            outgoing.send(here)
            came += there.recv(1_000_000)
    assert came == b"bc" + bytes(300_000) + b"defg"
    assert file.closed


def test_what_finds_no_room_in_a_file_waits_in_memory() -> None:
    outgoing = Outgoing(b"abc")
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space"):
        outgoing.put_down(full)
    assert outgoing.left_bytes == 3


def test_no_more_is_read_than_the_client_takes() -> None:
    read: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(10):
            read.append(number)
            yield b"abc"

    outgoing = Outgoing()
    going = Departure(Response(outgoing), pieces(), outgoing)
    assert not going.go_on(Peer(9))
    assert read == [0, 1]
    going.close()
    assert next(going._pieces, None) is None


def test_what_was_sent_is_let_go_of_before_more_is_read() -> None:
    """Or each thread would hold a MiB more than it needs."""
    ready = [Piece(b"12345") for _ in range(3)]
    known = [weakref.ref(piece) for piece in ready]

    def pieces() -> Iterator[bytes]:
        while ready:
            assert sum(piece() is not None for piece in known) == len(ready)
            yield ready.pop(0)

    outgoing = Outgoing()
    assert Departure(Response(outgoing), pieces(), outgoing).go_on(Peer(1000))


def test_what_several_wait_for_counts_once() -> None:
    waiting, picture = Waiting(), bytes(1000)
    first, second = Outgoing(b"head one", picture), Outgoing(b"head two", picture)
    both = waiting.add(first), waiting.add(second)
    assert waiting.bytes == 1016
    waiting.remove(both[0])
    assert waiting.bytes == 1008
    waiting.remove(both[1])
    assert waiting.bytes == 0


def test_more_than_is_allowed_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(departure, "MOST_WAITING_BYTES", 1000)
    waiting, picture = Waiting(), bytes(1000)
    assert waiting.has_room_for(Outgoing(picture))
    waiting.add(Outgoing(picture))
    assert waiting.has_room_for(Outgoing(picture))
    assert not waiting.has_room_for(Outgoing(bytes(1)))

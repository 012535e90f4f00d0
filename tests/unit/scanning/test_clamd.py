"""The protocol of clamd: what is sent, what its answers mean, and that nobody waits for ever."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from avenue.config import is_scanner_url
from avenue.scanning import clamd
from avenue.scanning.clamd import Clamd
from avenue.scanning.errors import ScannerAway
from tests.clamd import EICAR, MIB, NAME, StandIn, stand_in
from tests.table import table


@pytest.fixture
def scanner() -> Iterator[StandIn]:
    with stand_in() as scanner:
        yield scanner


def client(scanner: StandIn, seconds: float = 5, most_bytes: int = 100 * MIB) -> Clamd:
    return Clamd(scanner.url, seconds=seconds, most_bytes=most_bytes)


def test_bytes_are_sent_in_pieces_and_their_verdict_comes_back(scanner):
    asked, pad = client(scanner), bytes(3 * MIB)
    clean = asked.scan([pad, b"x" * 7], len(pad) + 7)
    found = asked.scan([pad[:-5] + EICAR[:20], EICAR[20:] + pad], 2 * len(pad))
    assert (clean.signature, clean.is_too_large, clean.database) == (None, False, scanner.version)
    assert (found.signature, found.is_too_large) == (NAME, False)
    assert asked.scan([], 0).signature is None
    assert scanner.scans == [len(pad) + 7, 2 * len(pad) - 5 + len(EICAR), 0]


def test_it_also_listens_on_a_socket_of_the_machine(tmp_path: Path):
    with stand_in(tmp_path / "clamd.sock") as scanner:
        assert client(scanner).scan([EICAR], len(EICAR)).signature == NAME


def test_what_is_too_large_for_it_is_not_clean(scanner):
    scanner.most_bytes = MIB
    # It hangs up in the middle of what is sent, its answer on the way.
    assert client(scanner).scan([bytes(MIB)] * 8, 8 * MIB).is_too_large
    assert client(scanner, most_bytes=MIB).scan([b"never sent"], MIB + 1).is_too_large
    assert scanner.scans == []


@table(
    "answer",
    [
        b"",
        b"stream: ",
        b"stream: Can't allocate memory ERROR\0",
        b"COMMAND READ TIMED OUT\0",
        b"x" * 100_000,
        b"\xff\0",
    ],
)
def test_an_answer_that_means_nothing_is_no_verdict(answer):
    with stand_in() as scanner:
        asked = client(scanner)
        asked.database()
        scanner.answer = answer
        with pytest.raises(ScannerAway):
            asked.scan([b"x"], 1)


def test_nobody_waits_for_one_that_is_silent_or_gone(scanner, monkeypatch):
    now = [0.0]
    asked = Clamd(scanner.url, seconds=0.1, most_bytes=MIB, clock=lambda: now[0])
    asked.database()
    monkeypatch.setattr(clamd, "ANSWER_SECONDS", 0.1)
    scanner.hangs, began = True, time.monotonic()
    for call in (lambda: asked.scan([b"x"], 1), lambda: asked.database(now=True)):
        with pytest.raises(ScannerAway):
            call()
    assert time.monotonic() - began < 20
    monkeypatch.undo()
    gone = Clamd("clamd://127.0.0.1:1", seconds=1, most_bytes=MIB, clock=lambda: now[0])
    with pytest.raises(ScannerAway):
        gone.database()
    # Nobody tries again at once: whoever uploads would wait for each try.
    gone._address = asked._address
    scanner.hangs = False
    with pytest.raises(ScannerAway):
        gone.database()
    now[0] += clamd.REST_SECONDS
    assert gone.database() == scanner.version


def test_which_signatures_it_has_is_believed_for_a_minute(scanner):
    now = [0.0]
    asked = Clamd(scanner.url, seconds=1, most_bytes=MIB, clock=lambda: now[0])
    before = asked.database()
    scanner.learn(b"bad", "Bad")
    assert asked.database() == before
    assert asked.database(now=True) == scanner.version != before
    scanner.learn(b"worse", "Worse")
    now[0] += clamd.DATABASE_SECONDS
    assert asked.database() == scanner.version


@table(
    "url, is_one",
    [
        ("clamd://scanner", True),
        ("clamd://scanner:3310", True),
        ("clamd://[::1]:3310/", True),
        ("clamd:///run/clamav/clamd.ctl", True),
        ("clamd://", False),
        ("clamd:///", False),
        ("clamd://scanner/run/clamd.ctl", False),
        ("clamd://user:word@scanner", False),
        ("clamd://scanner:0", False),
        ("clamd://scanner:x", False),
        ("tcp://scanner:3310", False),
        ("scanner:3310", False),
    ],
)
def test_what_avenue_scanner_takes(url, is_one):
    assert is_scanner_url(url) is is_one

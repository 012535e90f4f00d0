"""Everybody waits a moment for a database that is away; then a few do."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from avenue.errors import Unavailable
from avenue.storage.load_shedding import PATIENCE_SECONDS, LoadShedding

SLOTS = 2


class Outage:
    """A database that may be away, and a clock."""

    def __init__(self) -> None:
        self.is_away = True
        self.seconds = 0.0
        self.room = LoadShedding(lambda: self.is_away, slots=SLOTS, now=lambda: self.seconds)


@pytest.fixture
def outage() -> Outage:
    return Outage()


@pytest.fixture
def turn(outage: Outage) -> Iterator[Callable[[], Callable[[], None]]]:
    """Begin to wait, until the test ends."""
    with ExitStack() as waiting:
        yield lambda: waiting.enter_context(outage.room.turn())


def test_for_a_moment_everybody_waits(
    outage: Outage, turn: Callable[[], Callable[[], None]]
) -> None:
    with outage.room.guest():
        checks = [turn() for _ in range(SLOTS + 5)]
        for check in checks:
            check()
        outage.seconds = PATIENCE_SECONDS - 0.1
        for check in checks:
            check()


def test_then_only_who_has_a_slot_and_keeps_it(
    outage: Outage, turn: Callable[[], Callable[[], None]]
) -> None:
    with outage.room.guest():
        checks = [turn() for _ in range(SLOTS + 1)]
        for check in checks:
            check()
        outage.seconds = PATIENCE_SECONDS
        for check in checks[:SLOTS]:
            check()
        with pytest.raises(Unavailable):
            checks[SLOTS]()
        for check in checks[:SLOTS]:
            check()


def test_a_slot_is_given_back(outage: Outage) -> None:
    with outage.room.guest():
        for _ in range(SLOTS + 1):
            with outage.room.turn() as check:
                check()
                outage.seconds += PATIENCE_SECONDS
                check()


def test_who_is_no_request_needs_no_seat(
    outage: Outage, turn: Callable[[], Callable[[], None]]
) -> None:
    turn()()
    outage.seconds = PATIENCE_SECONDS
    for _ in range(SLOTS + 5):
        turn()()


def test_when_it_is_back_nobody_needs_one_and_the_next_outage_begins_anew(
    outage: Outage, turn: Callable[[], Callable[[], None]]
) -> None:
    with outage.room.guest():
        turn()()
        outage.seconds, outage.is_away = PATIENCE_SECONDS, False
        for _ in range(SLOTS + 5):
            turn()()
        outage.is_away = True
        for _ in range(SLOTS + 5):
            turn()()

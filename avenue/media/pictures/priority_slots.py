"""Lends decode processes to threads, by priority."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from avenue.media.errors import DecodersBusy

Thing = TypeVar("Thing")


class PrioritySlots(Generic[Thing]):
    """Lends `things` out, one to a thread: to the urgent first, and in the order they came.

    A thread waits `urgent_seconds` or `patient_seconds` for its turn, and no more than
    `max_waiting` threads do. The patient get one only while nobody urgent waits, always leave one
    of several to the urgent, and take at most half of the places for waiting.
    """

    def __init__(
        self,
        things: Sequence[Thing],
        *,
        urgent_seconds: float,
        patient_seconds: float,
        max_waiting: int,
    ) -> None:
        self._things = tuple(things)
        # Last in, first out: with little load, the others are never touched.
        self._free = list(things)
        self._wait_seconds = {True: urgent_seconds, False: patient_seconds}
        self._max_waiting = max_waiting
        self._max_patient = max(1, len(things) - 1)
        self._patient = 0
        self._waiting: dict[bool, deque[object]] = {True: deque(), False: deque()}
        self._ended = False
        self._changed = threading.Condition()

    @contextmanager
    def lent(self, *, urgent: bool) -> Iterator[Thing]:
        """Lend a thing, if not `urgent` for work that can wait; raise `DecodersBusy`."""
        thing = self._take(urgent=urgent)
        try:
            yield thing
        finally:
            with self._changed:
                self._patient -= not urgent
                self._free.append(thing)
                self._changed.notify_all()

    def end(self) -> Sequence[Thing]:
        """Refuse further threads, wait until all things are returned, and return them."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._free) == len(self._things))
        return self._things

    def _take(self, *, urgent: bool) -> Thing:
        waiting, me = self._waiting[urgent], object()

        def is_my_turn() -> bool:
            return waiting[0] is me and self._may(urgent)

        with self._changed:
            if (waiting or not self._may(urgent)) and self._is_full(urgent):
                raise DecodersBusy
            waiting.append(me)
            try:
                self._changed.wait_for(
                    lambda: self._ended or is_my_turn(), self._wait_seconds[urgent]
                )
                if not is_my_turn():
                    raise DecodersBusy
                self._patient += not urgent
                return self._free.pop()
            finally:
                waiting.remove(me)
                self._changed.notify_all()  # the next one, of either kind

    def _may(self, urgent: bool) -> bool:
        if self._ended or not self._free:
            return False
        return urgent or (not self._waiting[True] and self._patient < self._max_patient)

    def _is_full(self, urgent: bool) -> bool:
        patient = len(self._waiting[False])
        if len(self._waiting[True]) + patient >= self._max_waiting:
            return True
        return not urgent and patient >= self._max_waiting // 2

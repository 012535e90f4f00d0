"""Whose turn it is, where there are fewer decode processes than pictures."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from avenue.media.errors import DecodersBusy

Thing = TypeVar("Thing")


class PrioritySlots(Generic[Thing]):
    """Lends `things` out, one to a thread, to the urgent before the patient.

    A thread waits `wait_seconds` for its turn, and no more than `max_waiting` threads do. The
    patient get one only while nobody urgent waits, always leave one of several to the urgent, and
    take at most half of the places for waiting.
    """

    def __init__(self, things: Sequence[Thing], *, wait_seconds: float, max_waiting: int) -> None:
        self._things = tuple(things)
        # Last in, first out: while few come, the things not needed are never touched.
        self._free = list(things)
        self._wait_seconds = wait_seconds
        self._max_waiting = max_waiting
        self._max_patient = max(1, len(things) - 1)
        self._patient = 0
        self._waiting = {True: 0, False: 0}
        self._ended = False
        self._changed = threading.Condition()

    @contextmanager
    def urgent(self) -> Iterator[Thing]:
        """Yield a thing for an upload; raise `DecodersBusy`."""
        thing = self._take(urgent=True)
        try:
            yield thing
        finally:
            self._give_back(thing, urgent=True)

    @contextmanager
    def patient(self) -> Iterator[Thing]:
        """Yield a thing for what can wait; raise `DecodersBusy`."""
        thing = self._take(urgent=False)
        try:
            yield thing
        finally:
            self._give_back(thing, urgent=False)

    def end(self) -> Sequence[Thing]:
        """Let nobody begin any more, wait until all things are back, and return them."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._free) == len(self._things))
        return self._things

    def _take(self, *, urgent: bool) -> Thing:
        with self._changed:
            if not self._may(urgent) and self._is_full(urgent):
                raise DecodersBusy
            self._waiting[urgent] += 1
            try:
                self._changed.wait_for(lambda: self._ended or self._may(urgent), self._wait_seconds)
            finally:
                self._waiting[urgent] -= 1
                self._changed.notify_all()  # for the patient, when the last of the urgent leaves
            if not self._may(urgent):
                raise DecodersBusy
            self._patient += not urgent
            return self._free.pop()

    def _give_back(self, thing: Thing, *, urgent: bool) -> None:
        with self._changed:
            self._patient -= not urgent
            self._free.append(thing)
            self._changed.notify_all()

    def _may(self, urgent: bool) -> bool:
        if self._ended or not self._free:
            return False
        return urgent or (not self._waiting[True] and self._patient < self._max_patient)

    def _is_full(self, urgent: bool) -> bool:
        everybody = self._waiting[True] + self._waiting[False]
        if everybody >= self._max_waiting:
            return True
        return not urgent and self._waiting[False] >= self._max_waiting // 2

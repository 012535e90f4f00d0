"""Uploads that nobody has gone on with in time are forgotten, with all that had come."""

from avenue.uploads.tus.store import SweptTusStore


class TusSweeper:
    """Forgets what has expired; safe on many instances, and after any crash."""

    def __init__(self, store: SweptTusStore) -> None:
        self._store = store

    def sweep(self) -> int:
        """Do one round; return of how many unfinished uploads the bytes went."""
        ended = 0
        while (went := self._store.forget_expired()) is not None:
            ended += went
        return ended

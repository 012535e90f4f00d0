"""Deletes expired resumable uploads with their received parts."""

from avenue.uploads.tus.store import SweptTusStore


class TusSweeper:
    """Deletes expired uploads; safe on many instances, and after any crash."""

    def __init__(self, store: SweptTusStore) -> None:
        self._store = store

    def sweep(self) -> int:
        """Run once; return the number of unfinished uploads whose bytes were deleted."""
        ended = 0
        while (went := self._store.forget_expired()) is not None:
            ended += went
        return ended
